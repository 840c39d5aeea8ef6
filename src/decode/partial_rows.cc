#include "decode/partial_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/log2_units.h"
#include "attention/sizes.h"
#include "decode/float_rows.h"

namespace attend {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void write_row(const DecodeProblem& p, const RowPass& pass, int r, const float* out, float lse) {
  const int64_t i = pass.query(p.sizes, r), h = pass.head(p.sizes, r);
  const MutableTensorView &output = p.tensors.output, &lses = p.tensors.lse;
  write_floats(out, p.sizes.Dv, output.dtype, row_of(output, pass.b, h, i));
  if (lses.present()) *reinterpret_cast<float*>(row_of(lses, pass.b, h, i)) = lse;
}

}  // namespace

void PartialRows::clear(int rows) const {
  for (int r = 0; r < rows; ++r) {
    std::fill_n(out(r), stride_, 0.0f);
    max(r) = -kInfinity;
  }
}

void PartialRows::join(const PartialRows& later, int rows, int64_t Dv) const {
  for (int r = 0; r < rows; ++r) {
    if (later.sum(r) == 0) continue;
    float *mine = out(r), *theirs = later.out(r);
    if (sum(r) == 0) {
      std::copy_n(theirs, Dv, mine);
      max(r) = later.max(r);
      sum(r) = later.sum(r);
      continue;
    }
    const float top = std::max(max(r), later.max(r));
    const float a = std::exp2(max(r) - top), b = std::exp2(later.max(r) - top);
    for (int64_t d = 0; d < Dv; ++d) mine[d] = a * mine[d] + b * theirs[d];
    sum(r) = a * sum(r) + b * later.sum(r);
    max(r) = top;
  }
}

void write_rows(const DecodeProblem& p, const RowPass& pass, const PartialRows& state) {
  for (int r = 0; r < pass.rows; ++r) {
    if (state.sum(r) == 0) {
      write_unseen_rows(p, pass, r, r + 1);
      continue;
    }
    double max = from_log2_units(state.max(r)), sum = state.sum(r), factor = 1;
    if (p.sinks.present()) {
      const double sink = *p.sinks.head(0, pass.head(p.sizes, r)), top = std::max(max, sink);
      factor = std::exp(max - top);
      sum = sum * factor + std::exp(sink - top);
      max = top;
    }
    const float weight = static_cast<float>(factor / sum);
    for (int64_t d = 0; d < p.sizes.Dv; ++d) state.out(r)[d] *= weight;
    write_row(p, pass, r, state.out(r), static_cast<float>(max + std::log(sum)));
  }
}

void write_unseen_rows(const DecodeProblem& p, const RowPass& pass, int first, int end) {
  constexpr float kZeros[kWidestRow] = {};
  for (int r = first; r < end; ++r) write_row(p, pass, r, kZeros, -kInfinity);
}

}  // namespace attend
