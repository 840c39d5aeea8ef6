#include "attention/mask.h"

#include <cstring>

namespace attend {
namespace {

constexpr uint64_t low_bits(int64_t count) {
  return count <= 0 ? 0 : count >= kMaskTile ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

/// Bit k is set when byte k of `bytes` is not zero.
uint64_t pack_bytes(uint64_t bytes) {
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7fu;
  const uint64_t ones = ((((bytes & kLow) + kLow) | bytes) & ~kLow) >> 7;
  // The factor moves bit 0 of byte k to bit 56 + k; no two of the shifted copies meet, so nothing carries.
  return (ones * 0x0102040810204080u) >> 56;
}

/// What rows of kMaskTile bytes have in common: masks made of blocks have mostly tiles that are all the
/// one or the other, which is seen without packing them. Rows are far apart, so that no prefetcher of the
/// machine follows them: the tile after the next is asked for.
TileClass classify_rows(const uint8_t* row, int64_t stride, int rows) {
  constexpr int kAhead = 2 * kMaskTile, kIntoSecondCache = 2, kWords = kMaskTile / sizeof(uint64_t);
  uint64_t any[kWords] = {}, all[kWords];
  std::fill_n(all, kWords, ~uint64_t{0});
  for (int i = 0; i < rows; ++i, row += stride) {
    __builtin_prefetch(row + kAhead, 0, kIntoSecondCache);
    uint64_t bytes[kWords];
    std::memcpy(bytes, row, sizeof(bytes));
    for (int k = 0; k < kWords; ++k) {
      any[k] |= bytes[k];
      all[k] &= bytes[k];
    }
  }
  uint64_t some = 0, each = ~uint64_t{0};
  for (int k = 0; k < kWords; ++k) {
    some |= any[k];
    each &= all[k];
  }
  if (some == 0) return TileClass::kSkip;
  // Bytes other than 0 and 1 may have no bit in common: then the bits of the rows decide.
  return pack_bytes(each) == 0xff ? TileClass::kFull : TileClass::kPartial;
}

/// Transposes the kMaskTile x kMaskTile bit matrix whose row i is m[i], column j at bit j, by swapping
/// off-diagonal blocks of half the size at each step (Warren, "Hacker's Delight", 7-3).
void transpose_bits(uint64_t (&m)[kMaskTile]) {
  uint64_t low = 0x00000000ffffffffu;
  for (int half = kMaskTile / 2; half != 0; half >>= 1, low ^= low << half) {
    for (int i = 0; i < kMaskTile; i = ((i | half) + 1) & ~half) {
      const uint64_t swap = ((m[i] >> half) ^ m[i | half]) & low;
      m[i] ^= swap << half;
      m[i | half] ^= swap;
    }
  }
}

}  // namespace

uint64_t HeadMask::visible_row(int64_t query, int64_t key, int count) const {
  const uint8_t* row = visible_ + query * query_stride_ + key * key_stride_;
  if (key_stride_ == 0) return *row != 0 ? ~uint64_t{0} : 0;
  uint64_t bits = 0;
  int t = 0;
  if (key_stride_ == 1) {
    for (; t + 8 <= count; t += 8) {
      uint64_t bytes;
      std::memcpy(&bytes, row + t, 8);
      bits |= pack_bytes(bytes) << t;
    }
  }
  for (; t < count; ++t) bits |= uint64_t{row[t * key_stride_] != 0} << t;
  return bits;
}

uint64_t HeadMask::band_row(int64_t query, int64_t key, int count) const {
  return low_bits(std::min<int64_t>(count, key_end(query) - key)) & ~low_bits(key_begin(query) - key);
}

uint64_t HeadMask::row(int64_t query, int64_t key, int count) const {
  const uint64_t within = band_row(query, key, count);
  return visible_ == nullptr || within == 0 ? within : within & visible_row(query, key, count);
}

TileClass HeadMask::band_tile(int64_t query, int queries, int64_t key, int keys, uint64_t* columns) const {
  if (within_band(query, queries, key, keys)) return TileClass::kFull;
  const uint64_t all = low_bits(queries);
  for (int j = 0; j < keys; ++j) {
    // The queries [first, last) of the tile have the key in their stripe.
    const int64_t last = key + j - band_.begin - query + 1, first = key + j - band_.end - query + 1;
    columns[j] = key + j < length_ ? all & low_bits(last) & ~low_bits(first) : 0;
  }
  return TileClass::kPartial;
}

TileClass HeadMask::tile(int64_t query, int queries, int64_t key, int keys, uint64_t* columns) const {
  if (key >= key_end(query + queries - 1) || key + keys <= key_begin(query)) return TileClass::kSkip;
  if (visible_ == nullptr) return band_tile(query, queries, key, keys, columns);

  if (within_band(query, queries, key, keys) && key_stride_ == 1 && keys == kMaskTile) {
    const TileClass seen = classify_rows(visible_ + query * query_stride_ + key, query_stride_, queries);
    if (seen != TileClass::kPartial) return seen;
  }

  uint64_t rows[kMaskTile];
  uint64_t any = 0, all = ~uint64_t{0};
  const uint64_t shared = query_stride_ == 0 ? visible_row(query, key, keys) : 0;
  for (int i = 0; i < queries; ++i) {
    rows[i] =
        band_row(query + i, key, keys) & (query_stride_ == 0 ? shared : visible_row(query + i, key, keys));
    any |= rows[i];
    all &= rows[i];
  }
  if (any == 0) return TileClass::kSkip;
  if (all == low_bits(keys)) return TileClass::kFull;
  std::fill(rows + queries, rows + kMaskTile, uint64_t{0});
  transpose_bits(rows);
  std::copy(rows, rows + keys, columns);
  return TileClass::kPartial;
}

Band band_of(Causal causal, const AttentionWindow& window) {
  const int64_t right = causal == Causal::kNone ? window.right : 0;
  return {window.left < 0 ? -kFar : -std::min(window.left, kFar),
          right < 0 ? kFar : std::min(right, kFar) + 1};
}

MaskPolicy::MaskPolicy(const Sizes& sizes, const AttentionOptions& options)
    : alignment_(sizes, options),
      band_(band_of(options.causal, options.window)),
      keys_(sizes.Tk),
      lengths_(options.kv_lengths.empty() ? nullptr : options.kv_lengths.data()),
      visible_(options.mask) {}

}  // namespace attend
