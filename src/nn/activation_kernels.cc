#include "nn/activation_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/activation_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attend::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

template <class Op>
HWY_INLINE void apply(float* x, int64_t n, const Op& op) {
  const D d;
  const size_t count = static_cast<size_t>(n), step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= count; i += step) hn::StoreU(op(hn::LoadU(d, x + i)), d, x + i);
  if (i == count) return;
  HWY_ALIGN float tail[hn::MaxLanes(D())] = {};
  std::copy(x + i, x + count, tail);
  hn::Store(op(hn::Load(d, tail)), d, tail);
  std::copy(tail, tail + (count - i), x + i);
}

// x / (1 + exp(-y)). Past +-80 the sigmoid is 0 or 1 to the last bit, and exp does not overflow.
HWY_INLINE V times_sigmoid(V x, V y) {
  const D d;
  const V bounded = hn::Min(hn::Max(hn::Neg(y), hn::Set(d, -80.0f)), hn::Set(d, 80.0f));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), hn::Exp(d, bounded)));
}

// (1 + tanh(z)) / 2 is the sigmoid of 2 z.
void GeluTanh(float* x, int64_t n) {
  const D d;
  apply(x, n, [&](V v) {
    const V cubic = hn::MulAdd(hn::Mul(hn::Mul(v, v), v), hn::Set(d, 0.044715f), v);
    return times_sigmoid(v, hn::Mul(cubic, hn::Set(d, 1.5957691216057308f)));
  });
}

void GeluSigmoid(float* x, int64_t n) {
  apply(x, n, [](V v) { return times_sigmoid(v, hn::Mul(v, hn::Set(D(), 1.702f))); });
}

void Relu(float* x, int64_t n) {
  apply(x, n, [](V v) { return hn::Max(v, hn::Zero(D())); });
}

}  // namespace attend::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attend::kernels {

HWY_EXPORT(GeluTanh);
HWY_EXPORT(GeluSigmoid);
HWY_EXPORT(Relu);

void gelu_tanh(float* x, int64_t n) {
  HWY_DYNAMIC_DISPATCH(GeluTanh)(x, n);
}

void gelu_sigmoid(float* x, int64_t n) {
  HWY_DYNAMIC_DISPATCH(GeluSigmoid)(x, n);
}

void relu(float* x, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Relu)(x, n);
}

}  // namespace attend::kernels
#endif  // HWY_ONCE
