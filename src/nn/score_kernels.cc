// The score kernels in float, one source for every instruction set that Highway knows. Whatever is left of a
// row after its whole vectors is done by plain loops.
#include "nn/score_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/score_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attend::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(D()));
}

// The part of a row that is whole vectors.
HWY_INLINE int64_t whole(int64_t n) {
  return n / lanes() * lanes();
}

void Tanh(const float* x, float* y, int64_t n) {
  const D d;
  int64_t i = 0;
  for (; i < whole(n); i += lanes()) hn::StoreU(hn::Tanh(d, hn::LoadU(d, x + i)), d, y + i);
  for (; i < n; ++i) y[i] = std::tanh(x[i]);
}

void TanhGradient(const float* y, const float* dy, float* dx, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

// Four sums of its own a row hide the latency of the additions.
float Dot(const float* x, const float* y, int64_t n) {
  const D d;
  V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  const int64_t step = lanes();
  int64_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    for (int64_t k = 0; k < 4; ++k) {
      sums[k] = hn::MulAdd(hn::LoadU(d, x + i + k * step), hn::LoadU(d, y + i + k * step), sums[k]);
    }
  }
  for (; i + step <= n; i += step) sums[0] = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sums[0]);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
  for (; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

void DotRows(const float* x, const Rows<const float>& rows, float* s) {
  for (int64_t j = 0; j < rows.count; ++j) s[j] = Dot(x, rows.data + j * rows.width, rows.width);
}

void AddWeightedRows(const float* p, const Rows<const float>& rows, float* y) {
  const D d;
  int64_t i = 0;
  for (; i < whole(rows.width); i += lanes()) {
    V sum = hn::LoadU(d, y + i);
    for (int64_t j = 0; j < rows.count; ++j) {
      sum = hn::MulAdd(hn::Set(d, p[j]), hn::LoadU(d, rows.data + j * rows.width + i), sum);
    }
    hn::StoreU(sum, d, y + i);
  }
  for (; i < rows.width; ++i) {
    for (int64_t j = 0; j < rows.count; ++j) y[i] += p[j] * rows.data[j * rows.width + i];
  }
}

void AddToRows(const float* p, const float* x, const Rows<float>& rows) {
  const D d;
  for (int64_t j = 0; j < rows.count; ++j) {
    float* row = rows.data + j * rows.width;
    const V weight = hn::Set(d, p[j]);
    int64_t i = 0;
    for (; i < whole(rows.width); i += lanes()) {
      hn::StoreU(hn::MulAdd(weight, hn::LoadU(d, x + i), hn::LoadU(d, row + i)), d, row + i);
    }
    for (; i < rows.width; ++i) row[i] += p[j] * x[i];
  }
}

void AdditiveScores(const float* a, const float* w, const Rows<const float>& b, float* s) {
  const D d;
  for (int64_t j = 0; j < b.count; ++j) {
    const float* row = b.data + j * b.width;
    V sums = hn::Zero(d);
    int64_t h = 0;
    for (; h < whole(b.width); h += lanes()) {
      const V t = hn::Tanh(d, hn::Add(hn::LoadU(d, a + h), hn::LoadU(d, row + h)));
      sums = hn::MulAdd(hn::LoadU(d, w + h), t, sums);
    }
    s[j] = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; h < b.width; ++h) s[j] += w[h] * std::tanh(a[h] + row[h]);
  }
}

// Down the keys for a vector of the hidden width at a time, so that a's and w's gradients stay in registers.
void AdditiveGradient(const float* a, const float* w, const Rows<const float>& b,
                      const AdditiveGradients<float>& g) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  int64_t h = 0;
  for (; h < whole(b.width); h += lanes()) {
    const V query = hn::LoadU(d, a + h), weight = hn::LoadU(d, w + h);
    V da = hn::LoadU(d, g.da + h), dw = hn::LoadU(d, g.dw + h);
    for (int64_t j = 0; j < b.count; ++j) {
      const V t = hn::Tanh(d, hn::Add(query, hn::LoadU(d, b.data + j * b.width + h)));
      const V ds = hn::Set(d, g.ds[j]);
      const V slope = hn::Mul(hn::Mul(ds, weight), hn::NegMulAdd(t, t, one));
      float* db = g.db + j * b.width + h;
      da = hn::Add(da, slope);
      dw = hn::MulAdd(ds, t, dw);
      hn::StoreU(hn::Add(hn::LoadU(d, db), slope), d, db);
    }
    hn::StoreU(da, d, g.da + h);
    hn::StoreU(dw, d, g.dw + h);
  }
  for (; h < b.width; ++h) {
    for (int64_t j = 0; j < b.count; ++j) {
      const float t = std::tanh(a[h] + b.data[j * b.width + h]);
      const float slope = g.ds[j] * w[h] * (1.0f - t * t);
      g.da[h] += slope;
      g.db[j * b.width + h] += slope;
      g.dw[h] += g.ds[j] * t;
    }
  }
}

}  // namespace attend::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attend::kernels {

HWY_EXPORT(Tanh);
HWY_EXPORT(TanhGradient);
HWY_EXPORT(DotRows);
HWY_EXPORT(AddWeightedRows);
HWY_EXPORT(AddToRows);
HWY_EXPORT(AdditiveScores);
HWY_EXPORT(AdditiveGradient);

void tanh(const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Tanh)(x, y, n);
}

void tanh_gradient(const float* y, const float* dy, float* dx, int64_t n) {
  HWY_DYNAMIC_DISPATCH(TanhGradient)(y, dy, dx, n);
}

void dot_rows(const float* x, const Rows<const float>& rows, float* s) {
  HWY_DYNAMIC_DISPATCH(DotRows)(x, rows, s);
}

void add_weighted_rows(const float* p, const Rows<const float>& rows, float* y) {
  HWY_DYNAMIC_DISPATCH(AddWeightedRows)(p, rows, y);
}

void add_to_rows(const float* p, const float* x, const Rows<float>& rows) {
  HWY_DYNAMIC_DISPATCH(AddToRows)(p, x, rows);
}

void additive_scores(const float* a, const float* w, const Rows<const float>& b, float* s) {
  HWY_DYNAMIC_DISPATCH(AdditiveScores)(a, w, b, s);
}

void additive_gradient(const float* a, const float* w, const Rows<const float>& b,
                       const AdditiveGradients<float>& gradients) {
  HWY_DYNAMIC_DISPATCH(AdditiveGradient)(a, w, b, gradients);
}

}  // namespace attend::kernels
#endif  // HWY_ONCE
