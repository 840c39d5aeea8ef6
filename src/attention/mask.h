// Which query sees which key: causal order, window, lengths and the boolean mask, as one policy.
//
// Kernels ask about tiles of queries by keys before they touch a score: a tile that nobody sees is skipped, a
// tile that everybody sees runs the plain code, and only the rest pays for selection.
#ifndef ATTEND_ATTENTION_MASK_H_
#define ATTEND_ATTENTION_MASK_H_

#include <algorithm>
#include <cstdint>

#include "attend/attention.h"
#include "attention/alignment.h"
#include "attention/broadcast.h"
#include "attention/sizes.h"

namespace attend {

enum class TileClass {
  kSkip,     // no query of the tile sees any key of it
  kPartial,  // some do
  kFull,     // every query sees every key
};

/// A tile is at most this many queries by this many keys, so that a row or a column of it is the bits of a
/// word.
inline constexpr int kMaskTile = 64;

/// Farther than any key, yet far from the ends of 64 bits.
inline constexpr int64_t kFar = int64_t{1} << 60;

/// A stripe along the diagonal, what causal order and windows leave: query i sees keys [i + begin, i + end).
struct Band {
  int64_t begin = -kFar, end = kFar;

  /// The same with the diagonal `keys` keys further.
  Band shifted(int64_t keys) const { return {begin + keys, end + keys}; }
};

/// What a causal order and a window leave, where query i stands at key i.
Band band_of(Causal causal, const AttentionWindow& window);

/// The mask of one batch row and one query head.
class HeadMask {
 public:
  /// `visible` may be null (no boolean mask); its strides are in elements, 0 where it is broadcast. Any byte
  /// but 0 is true: views of other types as booleans hold more than 0 and 1, and a `bool` that does is
  /// undefined.
  HeadMask(const Band& band, int64_t length, const uint8_t* visible, int64_t query_stride, int64_t key_stride)
      : band_(band),
        length_(length),
        visible_(visible),
        query_stride_(query_stride),
        key_stride_(key_stride) {}

  /// The first key that `query`, or any query after it, may see.
  int64_t key_begin(int64_t query) const { return std::clamp<int64_t>(query + band_.begin, 0, length_); }

  /// One past the last key that `query`, or any query before it, may see. Kernels read nothing from there on.
  int64_t key_end(int64_t query) const { return std::clamp<int64_t>(query + band_.end, 0, length_); }

  /// How many of the keys [key, key + count) come before key_end(query).
  int keys_reached(int64_t query, int64_t key, int count) const {
    return static_cast<int>(std::clamp<int64_t>(key_end(query) - key, 0, count));
  }

  bool sees(int64_t query, int64_t key) const {
    return key >= key_begin(query) && key < key_end(query) &&
           (visible_ == nullptr || visible_[query * query_stride_ + key * key_stride_] != 0);
  }

  /// Bit t is sees(query, key + t), for t < count <= kMaskTile; the other bits are 0.
  uint64_t row(int64_t query, int64_t key, int count) const;

  /// Classifies queries [query, query + queries) by keys [key, key + keys), both counts in [1, kMaskTile].
  /// When the answer is kPartial, bit i of columns[j] is sees(query + i, key + j); otherwise `columns` is
  /// left alone.
  TileClass tile(int64_t query, int queries, int64_t key, int keys, uint64_t* columns) const;

 private:
  uint64_t visible_row(int64_t query, int64_t key, int count) const;
  /// Bit t is set when key + t lies in the band and within the length.
  uint64_t band_row(int64_t query, int64_t key, int count) const;
  /// Whether causal order, window and length leave the whole tile.
  bool within_band(int64_t query, int queries, int64_t key, int keys) const {
    return key + keys <= key_end(query) && key >= key_begin(query + queries - 1);
  }
  TileClass band_tile(int64_t query, int queries, int64_t key, int keys, uint64_t* columns) const;

  Band band_;
  int64_t length_;
  const uint8_t* visible_;
  int64_t query_stride_, key_stride_;
};

/// The masks of every head of a call. Borrows the options' offsets, lengths and mask.
class MaskPolicy {
 public:
  MaskPolicy(const Sizes& sizes, const AttentionOptions& options);

  HeadMask head(int64_t b, int64_t h) const {
    const int64_t length = lengths_ != nullptr ? lengths_[b] : keys_;
    return {band_.shifted(alignment_.diagonal(b)), length, visible_.head(b, h), visible_.stride[2],
            visible_.stride[3]};
  }

 private:
  Alignment alignment_;
  Band band_;  // beside a diagonal that is moved there
  int64_t keys_;
  const int64_t* lengths_;
  Broadcast<const uint8_t> visible_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_MASK_H_
