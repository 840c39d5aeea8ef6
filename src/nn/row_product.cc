#include "nn/row_product.h"

#include <algorithm>
#include <cassert>

#include "base/half.h"
#include "nn/chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/row_product.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.
#include "attention/half-inl.h"
#include "hwy/highway.h"

#ifndef ATTEND_NN_ROW_PRODUCT_ONCE_
#define ATTEND_NN_ROW_PRODUCT_ONCE_
namespace attend::kernels {

/// Outputs [first, first + count) of all rows.
struct RowProduct {
  const float* x;  // [rows, in]
  int64_t rows, in;
  const WeightMatrix& weights;
  const float* bias;
  float* y;  // [rows, out]
  int64_t out;
  int64_t first, count;
};

}  // namespace attend::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace attend::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// How a vector of each stored type, and a lone number, is widened.
struct Float32 {
  using Number = float;
  static HWY_INLINE V load(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE float widen(float x) { return x; }
};
struct Float16 {
  using Number = uint16_t;
  static HWY_INLINE V load(const uint16_t* p) {
    return attend::HWY_NAMESPACE::widen_halves(D(), reinterpret_cast<const hwy::float16_t*>(p));
  }
  static HWY_INLINE float widen(uint16_t x) { return half_to_float(x); }
};
struct BFloat16 {
  using Number = uint16_t;
  static HWY_INLINE V load(const uint16_t* p) {
    const hn::RebindToUnsigned<D> bits;
    const hn::Rebind<uint16_t, D> stored;
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(stored, p))));
  }
  static HWY_INLINE float widen(uint16_t x) { return bfloat16_to_float(x); }
};
struct Int8 {
  using Number = int8_t;
  static HWY_INLINE V load(const int8_t* p) {
    const hn::RebindToSigned<D> integers;
    const hn::Rebind<int8_t, D> stored;
    return hn::ConvertTo(D(), hn::PromoteTo(integers, hn::LoadU(stored, p)));
  }
  static HWY_INLINE float widen(int8_t x) { return static_cast<float>(x); }
};

// kRows rows times kOutputs rows of weights: each sum is one vector that runs along the row, then its lanes,
// then what is left over.
template <class Stored, int kRows, int kOutputs>
HWY_INLINE void block(const RowProduct& p, int64_t row, int64_t output) {
  const D d;
  const int64_t step = static_cast<int64_t>(hn::Lanes(d));
  const typename Stored::Number* w[kOutputs];
  for (int o = 0; o < kOutputs; ++o) {
    w[o] = reinterpret_cast<const typename Stored::Number*>(p.weights.row(output + o));
  }
  const float* const x = p.x + row * p.in;
  V sums[kRows][kOutputs];
  for (auto& of_row : sums) std::fill_n(of_row, kOutputs, hn::Zero(d));
  int64_t i = 0;
  for (; i + step <= p.in; i += step) {
    V weights[kOutputs];
    for (int o = 0; o < kOutputs; ++o) weights[o] = Stored::load(w[o] + i);
    for (int r = 0; r < kRows; ++r) {
      const V v = hn::LoadU(d, x + r * p.in + i);
      for (int o = 0; o < kOutputs; ++o) sums[r][o] = hn::MulAdd(v, weights[o], sums[r][o]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[r][o]));
      for (int64_t j = i; j < p.in; ++j) sum += x[r * p.in + j] * Stored::widen(w[o][j]);
      if (p.weights.scales()) sum *= p.weights.scales()[output + o];
      p.y[(row + r) * p.out + output + o] = sum + (p.bias ? p.bias[output + o] : 0.0f);
    }
  }
}

template <class Stored, int kOutputs>
HWY_INLINE void all_rows(const RowProduct& p, int64_t output) {
  int64_t row = 0;
  for (; row + 3 <= p.rows; row += 3) block<Stored, 3, kOutputs>(p, row, output);
  if (p.rows - row == 2) block<Stored, 2, kOutputs>(p, row, output);
  if (p.rows - row == 1) block<Stored, 1, kOutputs>(p, row, output);
}

template <class Stored>
HWY_NOINLINE void outputs(const RowProduct& p) {
  const int64_t end = p.first + p.count;
  int64_t output = p.first;
  for (; output + 4 <= end; output += 4) all_rows<Stored, 4>(p, output);
  for (; output < end; ++output) all_rows<Stored, 1>(p, output);
}

void Multiply(const RowProduct& p) {
  switch (p.weights.type()) {
    case WeightType::kFloat32:
      return outputs<Float32>(p);
    case WeightType::kFloat16:
      return outputs<Float16>(p);
    case WeightType::kBFloat16:
      return outputs<BFloat16>(p);
    case WeightType::kInt8:
      return outputs<Int8>(p);
  }
}

}  // namespace attend::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attend {
namespace kernels {
HWY_EXPORT(Multiply);
}

void multiply_rows(ConstMatrix<float> x, const WeightMatrix& weights, const float* bias, Matrix<float> y,
                   Executor& executor) {
  assert(x.cols == weights.cols() && y.rows == x.rows && y.cols == weights.rows());
  // A task reads weights enough to hide what handing it out costs.
  constexpr int64_t kNumbers = 32768;
  const int64_t chunk = std::max<int64_t>(4, kNumbers / std::max<int64_t>(1, x.cols) / 4 * 4);
  for_each_chunk(executor, y.cols, chunk, [&](int64_t first, int64_t count) {
    const kernels::RowProduct product = {x.data, x.rows, x.cols, weights, bias, y.data, y.cols, first, count};
    HWY_DYNAMIC_DISPATCH(kernels::Multiply)(product);
  });
}

void multiply_rows(ConstMatrix<float> x, ConstMatrix<float> weights, const float* bias, Matrix<float> y,
                   Executor& executor) {
  const auto* numbers = reinterpret_cast<const std::byte*>(weights.data);
  multiply_rows(x, WeightMatrix::borrow(WeightType::kFloat32, numbers, weights.rows, weights.cols), bias, y,
                executor);
}

}  // namespace attend
#endif  // HWY_ONCE
