#include "training/adamw_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/adamw_kernel.cc"
#include "hwy/foreach_target.h"
// foreach_target must come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The arithmetic of one number, on a vector or (the tail) on one lane: the same operations in the same
/// order.
template <class D>
void update_lanes(D d, const AdamWStep& step, const AdamWArrays<hn::TFromD<D>>& arrays, int64_t at) {
  using T = hn::TFromD<D>;
  const auto constant = [d](double x) { return hn::Set(d, static_cast<T>(x)); };
  const auto gradient = hn::Mul(hn::LoadU(d, arrays.gradient + at), constant(step.gradient_scale));
  const auto first = hn::MulAdd(hn::LoadU(d, arrays.first + at), constant(step.beta1),
                                hn::Mul(gradient, constant(1.0 - step.beta1)));
  const auto second = hn::MulAdd(hn::LoadU(d, arrays.second + at), constant(step.beta2),
                                 hn::Mul(hn::Mul(gradient, gradient), constant(1.0 - step.beta2)));
  const auto spread = hn::MulAdd(hn::Sqrt(second), constant(step.inverse_root), constant(step.epsilon));
  const auto kept = hn::Mul(hn::LoadU(d, arrays.value + at), constant(step.keep));
  hn::StoreU(first, d, arrays.first + at);
  hn::StoreU(second, d, arrays.second + at);
  hn::StoreU(hn::NegMulAdd(hn::Div(first, spread), constant(step.rate), kept), d, arrays.value + at);
}

template <class T>
void update(const AdamWStep& step, const AdamWArrays<T>& arrays) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= arrays.count; i += lanes) update_lanes(d, step, arrays, i);
  for (; i < arrays.count; ++i) update_lanes(hn::CappedTag<T, 1>(), step, arrays, i);
}

void UpdateFloat(const AdamWStep& step, const AdamWArrays<float>& arrays) {
  update(step, arrays);
}
void UpdateDouble(const AdamWStep& step, const AdamWArrays<double>& arrays) {
  update(step, arrays);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attend {
namespace {

HWY_EXPORT(UpdateFloat);
HWY_EXPORT(UpdateDouble);

/// Eight running sums: independent additions, whose order does not depend on the machine's vectors.
template <class T>
double squares(const T* values, int64_t count) {
  constexpr int64_t kSums = 8;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int64_t j = 0; j < kSums; ++j) {
      const double x = static_cast<double>(values[i + j]);
      sums[j] += x * x;
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

void adamw_update(const AdamWStep& step, const AdamWArrays<float>& arrays) {
  HWY_DYNAMIC_DISPATCH(UpdateFloat)(step, arrays);
}
void adamw_update(const AdamWStep& step, const AdamWArrays<double>& arrays) {
  HWY_DYNAMIC_DISPATCH(UpdateDouble)(step, arrays);
}
double sum_of_squares(const float* values, int64_t count) {
  return squares(values, count);
}
double sum_of_squares(const double* values, int64_t count) {
  return squares(values, count);
}

}  // namespace attend
#endif  // HWY_ONCE
