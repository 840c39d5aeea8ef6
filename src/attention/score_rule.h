// What becomes of a score between the product <q, k> and the softmax, in this order: it is multiplied by
// scale, capped, and biased.
//
//   s = scale <q, k>      s = c tanh(s / c)      s = s + bias_ij - slope |i + diagonal - j|
//
// A bias of -inf masks its key; masking itself, which comes last, is in mask.h. In the softmax a sink may
// take a share of its own.
#ifndef ATTEND_ATTENTION_SCORE_RULE_H_
#define ATTEND_ATTENTION_SCORE_RULE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "attend/attention.h"
#include "attention/alignment.h"
#include "attention/broadcast.h"
#include "attention/sizes.h"

namespace attend {

/// Caps beyond this count as this one, so that their inverses are normal numbers. It leaves scores of up to
/// 2^88 as they are, to the last bit of a float32 and more.
inline constexpr float kLargestSoftcap = 0x1p100f;

/// The rule of one batch row and one query head, after the scale.
template <class T>
struct HeadRule {
  T softcap = 0;  // 0: none
  T slope = 0;    // of ALiBi (Press et al. 2022, "Train short, test long"); 0: none
  int64_t diagonal = 0;
  const T* bias = nullptr;
  int64_t query_stride = 0, key_stride = 0;      // of the bias
  T sink = -std::numeric_limits<T>::infinity();  // exp(sink) is added to the softmax's sum; -inf: nothing

  /// Whether there is anything to do before the softmax.
  bool changes_scores() const { return softcap != 0 || slope != 0 || bias != nullptr; }

  T bias_at(int64_t query, int64_t key) const {
    return bias == nullptr ? T{0} : bias[query * query_stride + key * key_stride];
  }
  bool hides(int64_t query, int64_t key) const {
    return bias_at(query, key) == -std::numeric_limits<T>::infinity();
  }

  /// The score that comes of the scaled product `s`.
  T score(T s, int64_t query, int64_t key) const {
    if (softcap != 0) s = softcap * std::tanh(s / softcap);
    if (bias != nullptr) s += bias_at(query, key);
    if (slope != 0) s -= slope * static_cast<T>(std::abs(query + diagonal - key));
    return s;
  }

  /// The derivative of score() with respect to the scaled product.
  T derivative(T s) const {
    if (softcap == 0) return 1;
    const T t = std::tanh(s / softcap);
    return 1 - t * t;
  }
};

/// The rules of every head of a call. Borrows the options' tensors.
template <class T>
class ScorePolicy {
 public:
  ScorePolicy(const Sizes& sizes, const AttentionOptions& options)
      : softcap_(std::min(options.softcap, kLargestSoftcap)),
        alignment_(sizes, options),
        bias_(options.bias),
        slopes_(options.alibi_slopes),
        sinks_(options.sinks) {}

  HeadRule<T> head(int64_t b, int64_t h) const {
    HeadRule<T> rule = {.softcap = softcap_,
                        .diagonal = alignment_.diagonal(b),
                        .bias = bias_.head(b, h),
                        .query_stride = bias_.stride[2],
                        .key_stride = bias_.stride[3]};
    if (slopes_.present()) rule.slope = *slopes_.head(b, h);
    if (sinks_.present()) rule.sink = *sinks_.head(b, h);
    return rule;
  }

 private:
  T softcap_;
  Alignment alignment_;
  Broadcast<const T> bias_, slopes_, sinks_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_SCORE_RULE_H_
