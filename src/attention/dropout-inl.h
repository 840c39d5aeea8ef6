// dropout.h for tiles with the queries in the lanes.
#if defined(ATTEND_ATTENTION_DROPOUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_DROPOUT_INL_H_
#undef ATTEND_ATTENTION_DROPOUT_INL_H_
#else
#define ATTEND_ATTENTION_DROPOUT_INL_H_
#endif

#include "attention/dropout.h"
#include "attention/panel.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

using BitsTag = hn::RebindToUnsigned<FloatTag>;
using BitsVec = hn::Vec<BitsTag>;

/// The words of a block's queries, lane by lane.
struct QueryWords {
  uint32_t low[kLargestBlock], high[kLargestBlock];
};

/// The words of `count` queries from `query` on.
inline void load_words(const HeadDropout& dropout, int64_t query, int count, QueryWords& words) {
  for (int i = 0; i < count; ++i) {
    const HeadDropout::Word word = dropout.query_word(query + i);
    words.low[i] = word.low;
    words.high[i] = word.high;
  }
}

/// HeadDropout::mix() in every lane.
HWY_INLINE BitsVec mix_lanes(BitsVec x) {
  const BitsTag d;
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<16>(x)), hn::Set(d, 0x7feb352du));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(d, 0x846ca68bu));
  return hn::Xor(x, hn::ShiftRight<16>(x));
}

/// Multiplies the kept numbers of a tile [keys, NV vectors], whose rows are `stride` apart, by the factor,
/// and makes the others 0. `lane` is the panel's first in `words`, `key` the tile's first key.
template <int NV>
HWY_NOINLINE void drop(const HeadDropout& dropout, const QueryWords& words, int lane, int64_t key, int keys,
                       float* tile, ptrdiff_t stride = NV * kLanes) {
  const BitsTag d;
  const hn::RebindToSigned<FloatTag> whole;
  const auto threshold = hn::Set(whole, dropout.threshold());
  const Vec factor = broadcast(dropout.factor<float>());
  for (int j = 0; j < keys; ++j) {
    const HeadDropout::Word k = HeadDropout::key_word(key + j);
    const BitsVec low = hn::Set(d, k.low), high = hn::Set(d, k.high);
    for (int v = 0; v < NV; ++v) {
      const BitsVec first = mix_lanes(hn::Xor(hn::LoadU(d, words.low + lane + v * kLanes), low));
      const BitsVec second = hn::Xor(hn::LoadU(d, words.high + lane + v * kLanes), high);
      const auto bits = hn::BitCast(whole, hn::ShiftRight<1>(mix_lanes(hn::Add(first, second))));
      const auto dropped = hn::RebindMask(FloatTag(), hn::Lt(bits, threshold));
      float* to = tile + j * stride + v * kLanes;
      store(hn::IfThenZeroElse(dropped, hn::Mul(load(to), factor)), to);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_DROPOUT_INL_H_
