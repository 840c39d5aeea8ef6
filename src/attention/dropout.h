// Which weights dropout keeps: a function of (seed, batch row, query head, query, key) alone, so that forward
// and backward, any tiling, any instruction set and the reference agree without anything being stored.
#ifndef ATTEND_ATTENTION_DROPOUT_H_
#define ATTEND_ATTENTION_DROPOUT_H_

#include <cmath>
#include <cstdint>

#include "attend/attention.h"
#include "base/random.h"

namespace attend {

/// The dropout of one batch row and one query head. Every query and every key has a word of 64 random bits;
/// a pair mixes its two words in 32-bit arithmetic, which vectors have.
class HeadDropout {
 public:
  struct Word {
    uint32_t low, high;
  };

  /// Keeps everything.
  HeadDropout() = default;
  HeadDropout(float rate, RandomKey head)
      : rate_(rate), threshold_(static_cast<int32_t>(std::lround(double{rate} * 0x1p31))), head_(head) {}

  bool active() const { return rate_ != 0; }
  /// What a kept weight is multiplied by: 1 / (1 - rate).
  template <class T>
  T factor() const {
    return T{1} / (T{1} - static_cast<T>(rate_));
  }
  /// A pair is dropped when the upper 31 of its bits are below this.
  int32_t threshold() const { return threshold_; }

  Word query_word(int64_t query) const { return halves(head_.bits(static_cast<uint64_t>(query))); }
  static Word key_word(int64_t key) { return halves(mix_bits(static_cast<uint64_t>(key))); }

  bool keeps(int64_t query, int64_t key) const {
    const Word q = query_word(query), k = key_word(key);
    return static_cast<int32_t>(mix(mix(q.low ^ k.low) + (q.high ^ k.high)) >> 1) >= threshold_;
  }

 private:
  static Word halves(uint64_t bits) {
    return {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  }
  /// A bijection that moves about half of the output bits with each input bit (Wellons 2018, "Prospecting for
  /// hash functions").
  static uint32_t mix(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
  }

  float rate_ = 0;
  int32_t threshold_ = 0;
  RandomKey head_;
};

/// The dropout of every head of a call.
class DropoutPolicy {
 public:
  explicit DropoutPolicy(const AttentionOptions& options) : rate_(options.dropout), seed_(options.seed) {}
  HeadDropout head(int64_t b, int64_t h) const {
    if (rate_ == 0) return {};
    return {rate_, RandomKey(seed_).child(static_cast<uint64_t>(b)).child(static_cast<uint64_t>(h))};
  }

 private:
  float rate_;
  uint64_t seed_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_DROPOUT_H_
