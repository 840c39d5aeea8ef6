// Pairs of bfloat16 numbers in the lanes, for machines that multiply them: vdpbf16ps adds both products of
// two pairs to a float32 sum, at twice the speed of float32 (Intel, "BFLOAT16 Hardware Numerics Definition",
// 2018: sums are rounded to nearest, subnormal numbers count as 0).
//
// Highway's target is plain AVX-512, so the instructions are written out; callers see to it that the machine
// has them (Isa::kAvx512Bf16).
#if defined(ATTEND_ATTENTION_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_PAIRS_INL_H_
#undef ATTEND_ATTENTION_PAIRS_INL_H_
#else
#define ATTEND_ATTENTION_PAIRS_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "attention/product-inl.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET && HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Two bfloat16 numbers, the first in the lower half.
struct Pair {
  uint32_t bits;
};

HWY_INLINE Vec broadcast(Pair pair) {
  return hn::BitCast(FloatTag(), hn::Set(hn::RebindToUnsigned<FloatTag>(), pair.bits));
}

HWY_INLINE Vec multiply_add(Pair /*element*/, Vec left, Vec right, Vec sum) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(left.raw), "v"(right.raw));
  return sum;
}

/// A of rows of bfloat16 numbers, whose element (r, k) is the pair at 2 k; sums are multiplied by `factor`.
struct PairRows {
  const uint16_t* data;
  ptrdiff_t stride;
  float factor;
  HWY_INLINE PairRows from_row(int64_t r) const { return {data + r * stride, stride, factor}; }
  HWY_INLINE PairRows from_depth(int64_t k) const { return {data + 2 * k, stride, factor}; }
  HWY_INLINE Pair at(int r, int64_t k) const {
    Pair pair;
    std::memcpy(&pair, data + r * stride + 2 * k, sizeof(pair));
    return pair;
  }
};

/// A of pairs, whose element (r, k) is at k * stride + r.
struct PairColumns {
  const Pair* data;
  ptrdiff_t stride;
  HWY_INLINE PairColumns from_row(int64_t r) const { return {data + r, stride}; }
  HWY_INLINE Pair at(int r, int64_t k) const { return data[k * stride + r]; }
};

/// Words 0, 32, 1, 33, .. of two vectors of 32, from `from` on.
HWY_INLINE __m512i interleaved_words(__m512i first, __m512i second, int from) {
  alignas(64) uint16_t places[32];
  for (int i = 0; i < 16; ++i) {
    places[2 * i] = static_cast<uint16_t>(from + i);
    places[2 * i + 1] = static_cast<uint16_t>(32 + from + i);
  }
  return _mm512_permutex2var_epi16(first, _mm512_load_si512(places), second);
}

/// pairs[d] = (first[d], second[d]).
HWY_INLINE void pair_rows(const uint16_t* first, const uint16_t* second, int64_t width, Pair* pairs) {
  int64_t d = 0;
  for (; d + 32 <= width; d += 32) {
    const __m512i a = _mm512_loadu_si512(first + d), b = _mm512_loadu_si512(second + d);
    _mm512_storeu_si512(pairs + d, interleaved_words(a, b, 0));
    _mm512_storeu_si512(pairs + d + 16, interleaved_words(a, b, 16));
  }
  for (; d < width; ++d) pairs[d] = {first[d] | uint32_t{second[d]} << 16};
}

/// Lane i of the result is the pair of first's and second's lanes i, rounded to nearest, ties to even.
HWY_INLINE Vec rounded_pairs(Vec first, Vec second) {
  __m512i words;  // first's in the lower half
  __asm__("vcvtne2ps2bf16 %2, %1, %0" : "=v"(words) : "v"(second.raw), "v"(first.raw));
  alignas(64) uint16_t places[32];
  for (int i = 0; i < 16; ++i) {
    places[2 * i] = static_cast<uint16_t>(i);
    places[2 * i + 1] = static_cast<uint16_t>(16 + i);
  }
  return Vec{_mm512_castsi512_ps(_mm512_permutexvar_epi16(_mm512_load_si512(places), words))};
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#endif  // ATTEND_ATTENTION_PAIRS_INL_H_
