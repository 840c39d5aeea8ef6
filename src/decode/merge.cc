#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "attend/decode.h"
#include "attention/refusal.h"
#include "attention/sizes.h"
#include "decode/decode_validate.h"
#include "decode/float_rows.h"

namespace attend {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kChunk = 256;  // numbers of a row at a time

double number_at(const TensorView& view, int64_t b, int64_t h, int64_t t) {
  const std::byte* p = row_of(view, b, h, t);
  return view.dtype == DType::kFloat64 ? *reinterpret_cast<const double*>(p)
                                       : *reinterpret_cast<const float*>(p);
}

void write_number(double x, const MutableTensorView& view, int64_t b, int64_t h, int64_t t) {
  std::byte* p = row_of(view, b, h, t);
  if (view.dtype == DType::kFloat64) {
    *reinterpret_cast<double*>(p) = x;
  } else {
    *reinterpret_cast<float*>(p) = static_cast<float>(x);
  }
}

/// out = first_weight * first + second_weight * second, leaving out a row whose weight is 0.
struct Weights {
  double first, second;
  template <class T>
  T apply(T a, T b) const {
    if (second == 0) return first == 0 ? T{0} : a;
    if (first == 0) return b;
    return static_cast<T>(first) * a + static_cast<T>(second) * b;
  }
};

void merge_row(const Weights& w, const std::byte* first, const std::byte* second, int64_t width, DType dtype,
               std::byte* out) {
  if (dtype == DType::kFloat64) {
    const auto *a = reinterpret_cast<const double*>(first), *b = reinterpret_cast<const double*>(second);
    for (int64_t d = 0; d < width; ++d) reinterpret_cast<double*>(out)[d] = w.apply(a[d], b[d]);
    return;
  }
  const int64_t size = static_cast<int64_t>(size_of(dtype));
  float a[kChunk], b[kChunk];
  for (int64_t d = 0; d < width; d += kChunk) {
    const int64_t count = std::min(kChunk, width - d);
    read_floats(first + d * size, dtype, count, a);
    read_floats(second + d * size, dtype, count, b);
    for (int64_t i = 0; i < count; ++i) a[i] = w.apply(a[i], b[i]);
    write_floats(a, count, dtype, out + d * size);
  }
}

}  // namespace

Status merge(const MergeTensors& t, Executor& executor) {
  ATTEND_RETURN_IF_ERROR(validate(t));
  ATTEND_RETURN_IF_ERROR(check_workers(executor));
  if (!has_elements(t.output.shape) && !has_elements(t.lse.shape)) return {};
  const Shape& shape = t.output.shape;
  executor.for_each(shape[0] * shape[1], [&](int64_t task, int) {
    const int64_t b = task / shape[1], h = task % shape[1];
    for (int64_t i = 0; i < shape[2]; ++i) {
      const double first = number_at(t.first.lse, b, h, i), second = number_at(t.second.lse, b, h, i);
      // A comparison with NaN is false: a NaN on either side comes through.
      const double max = first > second ? first : second;
      const bool empty = first == -kInfinity && second == -kInfinity;
      const double a = empty ? 0 : std::exp(first - max), c = empty ? 0 : std::exp(second - max), sum = a + c;
      const Weights weights = empty ? Weights{0, 0} : Weights{a / sum, c / sum};
      merge_row(weights, row_of(t.first.output, b, h, i), row_of(t.second.output, b, h, i), shape[3],
                t.output.dtype, row_of(t.output, b, h, i));
      if (t.lse.present()) write_number(empty ? -kInfinity : max + std::log(sum), t.lse, b, h, i);
    }
  });
  return {};
}

}  // namespace attend
