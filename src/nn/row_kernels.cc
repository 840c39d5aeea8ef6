// The row kernels in float, one source for every instruction set that Highway knows.
#include "nn/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/row_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attend::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE size_t lanes() {
  return hn::Lanes(D());
}

// Calls op(pointers to one whole vector of x, of y, of z) along three arrays of n elements; the tail goes
// through a padded copy, so that op never sees a partial vector, and z alone is written back.
template <class Op>
HWY_INLINE void for_each_vector(const float* x, const float* y, float* z, int64_t n, const Op& op) {
  const size_t count = static_cast<size_t>(n), step = lanes();
  size_t i = 0;
  for (; i + step <= count; i += step) op(x + i, y + i, z + i);
  if (i == count) return;
  HWY_ALIGN float tail_x[hn::MaxLanes(D())] = {}, tail_y[hn::MaxLanes(D())] = {}, tail_z[hn::MaxLanes(D())];
  std::copy(x + i, x + count, tail_x);
  std::copy(y + i, y + count, tail_y);
  op(tail_x, tail_y, tail_z);
  std::copy(tail_z, tail_z + (count - i), z + i);
}

// Sum over i of op(vector i), lane by lane, with the tail padded by `padding`; two partial sums hide the
// latency.
template <class Op>
HWY_INLINE float reduce(const float* x, const float* y, int64_t n, float padding, const Op& op) {
  const D d;
  const size_t count = static_cast<size_t>(n), step = lanes();
  V sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * step <= count; i += 2 * step) {
    sum0 = hn::Add(sum0, op(hn::LoadU(d, x + i), hn::LoadU(d, y + i)));
    sum1 = hn::Add(sum1, op(hn::LoadU(d, x + i + step), hn::LoadU(d, y + i + step)));
  }
  if (i + step <= count) {
    sum0 = hn::Add(sum0, op(hn::LoadU(d, x + i), hn::LoadU(d, y + i)));
    i += step;
  }
  if (i < count) {
    HWY_ALIGN float tail_x[hn::MaxLanes(D())] = {}, tail_y[hn::MaxLanes(D())] = {};
    std::fill_n(std::copy(x + i, x + count, tail_x), step - (count - i), padding);
    std::fill_n(std::copy(y + i, y + count, tail_y), step - (count - i), padding);
    sum1 = hn::Add(sum1, op(hn::Load(d, tail_x), hn::Load(d, tail_y)));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
}

struct NormalTail {
  V density;  // exp(-x^2 / 2)
  V tail;     // 1 - Phi(|x|)
};

// 1 - Phi(a) = exp(-a^2 / 2) / 2 * erfcx(a / sqrt 2), with erfcx a polynomial in t = 1 / (1 + 0.32 z), the
// form of Abramowitz and Stegun 7.1.26; fitted for the least largest relative error, 1.5e-8 on z in [0, 5].
HWY_INLINE NormalTail normal_tail(V magnitude) {
  const D d;
  const V density = hn::Exp(d, hn::Mul(hn::Set(d, -0.5f), hn::Mul(magnitude, magnitude)));
  const V one = hn::Set(d, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(magnitude, hn::Set(d, 0.32f * 0.707106781f), one));
  V p = hn::Set(d, 0.5f * -0.17670219f);
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * 0.701822952f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * -0.759028009f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * 0.783288126f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * -0.158006328f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * 0.261102186f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * 0.165961366f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5f * 0.181561881f));
  return {density, hn::Mul(density, hn::Mul(p, t))};
}

// |x|, but at most 16, where the tail is 0 in float already: keeps infinity * 0 out. NaN stays NaN.
HWY_INLINE V bounded_magnitude(V x) {
  const V magnitude = hn::Abs(x), farthest = hn::Set(D(), 16.0f);
  return hn::IfThenElse(hn::Gt(magnitude, farthest), farthest, magnitude);
}

// x Phi(x) = max(x, 0) - |x| (1 - Phi(|x|)) on both sides of 0.
void Gelu(const float* x, float* y, int64_t n) {
  const D d;
  for_each_vector(x, x, y, n, [&](const float* px, const float*, float* py) HWY_ATTR {
    const V v = hn::LoadU(d, px);
    const V magnitude = bounded_magnitude(v);
    const V positive = hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
    hn::StoreU(hn::NegMulAdd(magnitude, normal_tail(magnitude).tail, positive), d, py);
  });
}

void GeluGradient(const float* x, const float* dy, float* dx, int64_t n) {
  const D d;
  for_each_vector(x, dy, dx, n, [&](const float* px, const float* pdy, float* pdx) HWY_ATTR {
    const V v = hn::LoadU(d, px);
    const V magnitude = bounded_magnitude(v);
    const NormalTail normal = normal_tail(magnitude);
    const V below =
        hn::IfThenElse(hn::Lt(v, hn::Zero(d)), normal.tail, hn::Sub(hn::Set(d, 1.0f), normal.tail));
    const V signed_magnitude = hn::CopySign(magnitude, v);
    const V density = hn::Mul(normal.density, hn::Set(d, 0.398942280f));  // 1 / sqrt(2 pi)
    const V slope = hn::MulAdd(signed_magnitude, density, below);
    hn::StoreU(hn::Mul(hn::LoadU(d, pdy), slope), d, pdx);
  });
}

void Sum(const float* a, const float* b, float* y, int64_t n) {
  const D d;
  for_each_vector(a, b, y, n, [&](const float* pa, const float* pb, float* py) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, pa), hn::LoadU(d, pb)), d, py);
  });
}

// Eight rows a visit, so that the sums are loaded and stored an eighth as often.
void SumRows(const float* x, int64_t rows, int64_t stride, int64_t n, float* sum) {
  const D d;
  constexpr int64_t kTogether = 8;
  const int64_t step = static_cast<int64_t>(lanes()), whole = n / step * step;
  int64_t r = 0;
  for (; r + kTogether <= rows; r += kTogether) {
    const float* first = x + r * stride;
    for (int64_t i = 0; i < whole; i += step) {
      V total = hn::LoadU(d, sum + i);
      for (int64_t k = 0; k < kTogether; ++k) total = hn::Add(total, hn::LoadU(d, first + k * stride + i));
      hn::StoreU(total, d, sum + i);
    }
    for (int64_t k = 0; k < kTogether; ++k) {
      for (int64_t i = whole; i < n; ++i) sum[i] += first[k * stride + i];
    }
  }
  for (; r < rows; ++r) Sum(sum, x + r * stride, sum, n);
}

// y = (x - mean) * inverse * gain + bias, as x * (inverse * gain) needs the mean's error to stay small: the
// subtraction comes first.
void ScaleRow(const float* x, int64_t n, const RowScale<float>& row, const float* gain, const float* bias,
              float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - row.mean) * row.inverse_deviation * gain[i] + bias[i];
}

RowScale<float> Normalize(const float* x, int64_t n, double epsilon, const float* gain, const float* bias,
                          float* y) {
  const D d;
  const float mean = reduce(x, x, n, 0.0f, [](V a, V) HWY_ATTR { return a; }) / static_cast<float>(n);
  const V center = hn::Set(d, mean);
  // Padding with the mean adds nothing to the squares.
  const float squares = reduce(x, x, n, mean, [&](V a, V) HWY_ATTR {
    const V distance = hn::Sub(a, center);
    return hn::Mul(distance, distance);
  });
  const float variance = squares / static_cast<float>(n);
  const RowScale<float> row{mean, 1.0f / std::sqrt(variance + static_cast<float>(epsilon))};
  ScaleRow(x, n, row, gain, bias, y);
  return row;
}

void NormalizeGradient(const float* x, const float* dy, int64_t n, const RowScale<float>& row,
                       const float* gain, float* dx, float* dparameters) {
  const float scale = row.inverse_deviation, mean = row.mean;
  float* HWY_RESTRICT dgain = dparameters;
  float* HWY_RESTRICT dbias = dparameters + n;
  const float sum =
      reduce(dy, gain, n, 0.0f, [](V a, V g) HWY_ATTR { return hn::Mul(a, g); }) / static_cast<float>(n);
  // dgain grows by dy * normalised x, and sum(gain * that) is the projection on the normalised x.
  const D d;
  V dots = hn::Zero(d);
  const size_t count = static_cast<size_t>(n), step = lanes();
  size_t i = 0;
  for (; i + step <= count; i += step) {
    const V v = hn::LoadU(d, dy + i);
    const V normalized = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, scale));
    const V product = hn::Mul(v, normalized);
    dots = hn::MulAdd(product, hn::LoadU(d, gain + i), dots);
    hn::StoreU(hn::Add(hn::LoadU(d, dgain + i), product), d, dgain + i);
    hn::StoreU(hn::Add(hn::LoadU(d, dbias + i), v), d, dbias + i);
  }
  float dot = hn::GetLane(hn::SumOfLanes(d, dots));
  for (; i < count; ++i) {
    const float product = dy[i] * ((x[i] - mean) * scale);
    dot += product * gain[i];
    dgain[i] += product;
    dbias[i] += dy[i];
  }
  dot /= static_cast<float>(n);
  for (int64_t k = 0; k < n; ++k) {
    dx[k] = scale * (dy[k] * gain[k] - sum - (x[k] - mean) * scale * dot);
  }
}

void Drop(float* x, int64_t first, int64_t n, const DropRule& rule) {
  constexpr int64_t kBlock = 256;
  uint64_t bits[kBlock / 4];
  uint16_t lane[kBlock];
  const float scale = static_cast<float>(rule.scale);
  const uint32_t threshold = rule.threshold;
  for (int64_t start = 0; start < n; start += kBlock) {
    const uint64_t base = static_cast<uint64_t>(first + start) / 4;
    for (uint64_t i = 0; i < kBlock / 4; ++i) bits[i] = rule.key.bits(base + i);
    std::memcpy(lane, bits, sizeof(lane));  // the machines that Highway knows put the lowest lane first
    const int64_t count = std::min(kBlock, n - start);
    for (int64_t i = 0; i < count; ++i) {
      x[start + i] = uint32_t{lane[i]} < threshold ? 0.0f : x[start + i] * scale;
    }
  }
}

HWY_INLINE float Largest(const float* x, size_t count) {
  const D d;
  V highest = hn::Set(d, x[0]);
  size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) highest = hn::Max(highest, hn::LoadU(d, x + i));
  float most = hn::GetLane(hn::MaxOfLanes(d, highest));
  for (; i < count; ++i) most = std::max(most, x[i]);
  return most;
}

void LogSoftmax(float* x, int64_t n) {
  const D d;
  const size_t count = static_cast<size_t>(n), step = lanes();
  const float most = Largest(x, count);
  V sums = hn::Zero(d);
  size_t i = 0;
  for (; i + step <= count; i += step) {
    const V shifted = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, most));
    // Highway's exponential of a NaN is 0, which would hide it.
    sums = hn::Add(sums, hn::IfThenElse(hn::IsNaN(shifted), shifted, hn::Exp(d, shifted)));
  }
  double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < count; ++i) sum += static_cast<double>(std::exp(x[i] - most));
  const float normaliser = most + static_cast<float>(std::log(sum));
  for (i = 0; i + step <= count; i += step) {
    hn::StoreU(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, normaliser)), d, x + i);
  }
  for (; i < count; ++i) x[i] -= normaliser;
}

double SoftmaxLoss(float* x, int64_t n, const SoftTarget& q, double scale) {
  const D d;
  const size_t count = static_cast<size_t>(n), step = lanes();
  const float most = Largest(x, count);
  const double target = static_cast<double>(x[q.target] - most);

  // One sum over the row of x - most, another of its exponential, which takes its place.
  V totals = hn::Zero(d), sums = hn::Zero(d);
  size_t i = 0;
  for (; i + step <= count; i += step) {
    const V shifted = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, most));
    const V power = hn::Exp(d, shifted);
    totals = hn::Add(totals, shifted);
    sums = hn::Add(sums, power);
    hn::StoreU(power, d, x + i);
  }
  double total = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, totals)));
  double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < count; ++i) {
    const float shifted = x[i] - most;
    x[i] = std::exp(shifted);
    total += static_cast<double>(shifted);
    sum += static_cast<double>(x[i]);
  }

  const double mass = q.on + q.off * static_cast<double>(n);
  const float factor = static_cast<float>(scale * mass / sum), off = static_cast<float>(scale * q.off);
  for (int64_t k = 0; k < n; ++k) x[k] = x[k] * factor - off;
  x[q.target] -= static_cast<float>(scale * q.on);
  return mass * std::log(sum) - q.on * target - q.off * total;
}

}  // namespace attend::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attend::kernels {

HWY_EXPORT(Gelu);
HWY_EXPORT(GeluGradient);
HWY_EXPORT(Sum);
HWY_EXPORT(SumRows);
HWY_EXPORT(Normalize);
HWY_EXPORT(NormalizeGradient);
HWY_EXPORT(Drop);
HWY_EXPORT(LogSoftmax);
HWY_EXPORT(SoftmaxLoss);

void gelu(const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Gelu)(x, y, n);
}

void gelu_gradient(const float* x, const float* dy, float* dx, int64_t n) {
  HWY_DYNAMIC_DISPATCH(GeluGradient)(x, dy, dx, n);
}

void add(const float* a, const float* b, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Sum)(a, b, y, n);
}

void add_rows(const float* x, int64_t rows, int64_t stride, int64_t n, float* sum) {
  HWY_DYNAMIC_DISPATCH(SumRows)(x, rows, stride, n, sum);
}

RowScale<float> normalize(const float* x, int64_t n, double epsilon, const float* gain, const float* bias,
                          float* y) {
  return HWY_DYNAMIC_DISPATCH(Normalize)(x, n, epsilon, gain, bias, y);
}

void normalize_gradient(const float* x, const float* dy, int64_t n, const RowScale<float>& row,
                        const float* gain, float* dx, float* dparameters) {
  HWY_DYNAMIC_DISPATCH(NormalizeGradient)(x, dy, n, row, gain, dx, dparameters);
}

void drop(float* x, int64_t first, int64_t n, const DropRule& rule) {
  HWY_DYNAMIC_DISPATCH(Drop)(x, first, n, rule);
}

void log_softmax(float* x, int64_t n) {
  HWY_DYNAMIC_DISPATCH(LogSoftmax)(x, n);
}

double softmax_loss(float* x, int64_t n, const SoftTarget& q, double scale) {
  return HWY_DYNAMIC_DISPATCH(SoftmaxLoss)(x, n, q, scale);
}

}  // namespace attend::kernels
#endif  // HWY_ONCE
