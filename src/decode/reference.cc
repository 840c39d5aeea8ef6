#include "decode/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "decode/float_rows.h"
#include "decode/kv_view.h"
#include "decode/paged_rows.h"

namespace attend {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// One head of one sequence of keys or values, read as float32.
class StoredRows {
 public:
  StoredRows(const TensorView& rows, const TensorView& scales, const KvView& cache, int64_t b, int64_t head)
      : dtype_(rows.dtype),
        width_(rows.shape[3]),
        rows_(rows, cache, sequence_of(cache, b), head),
        scales_(dtype_ == DType::kInt8 ? scales : rows, cache, sequence_of(cache, b), head) {}

  void read(int64_t j, float* to) const {
    read_floats(rows_.row(j), dtype_, width_, to);
    if (dtype_ != DType::kInt8) return;
    const float scale = *reinterpret_cast<const float*>(scales_.row(j));
    for (int64_t d = 0; d < width_; ++d) to[d] *= scale;
  }

 private:
  DType dtype_;
  int64_t width_;
  PagedRows rows_, scales_;
};

float score(const DecodeProblem& p, int64_t b, int64_t h, int64_t distance, const float* query,
            const float* key) {
  float s = 0;
  for (int64_t d = 0; d < p.sizes.D; ++d) s += query[d] * key[d];
  s *= p.scale;
  if (p.softcap > 0) s = p.softcap * std::tanh(s / p.softcap);
  if (p.slopes.present()) s -= *p.slopes.head(b, h) * static_cast<float>(std::abs(distance));
  return s;
}

}  // namespace

void reference_decode(const DecodeProblem& p, int64_t b, int64_t h, float* scratch) {
  const Sizes& n = p.sizes;
  const KvView& cache = p.tensors.cache;
  const DecodeMask mask(p.tensors, p.options, b);
  const StoredRows keys(cache.key, cache.key_scale, cache, b, h / n.group()),
      values(cache.value, cache.value_scale, cache, b, h / n.group());
  float *query = scratch, *row = query + n.D, *out = row + std::max(n.D, n.Dv), *scores = out + n.Dv;

  for (int64_t i = 0; i < n.Tq; ++i) {
    const Range seen = i < mask.queries() ? mask.keys(i) : Range{};
    float max = -kInfinity, sum = 0;
    bool unseen = true;
    if (seen.size() > 0) p.read_query(mask, b, h, i, query);
    for (int64_t j = seen.begin; j < seen.end; ++j) {
      keys.read(j, row);
      scores[j] = score(p, b, h, mask.position(i) - j, query, row);
      max = std::max(max, scores[j]);
      unseen = unseen && scores[j] == -kInfinity;
    }
    if (p.sinks.present()) max = std::max(max, *p.sinks.head(0, h));
    if (max == -kInfinity) max = 0;  // every exponential below is 0

    for (int64_t j = seen.begin; j < seen.end; ++j) sum += scores[j] = std::exp(scores[j] - max);
    if (!unseen && p.sinks.present()) sum += std::exp(*p.sinks.head(0, h) - max);

    std::fill_n(out, n.Dv, 0.0f);
    for (int64_t j = seen.begin; j < seen.end && !unseen; ++j) {
      values.read(j, row);
      for (int64_t d = 0; d < n.Dv; ++d) out[d] += scores[j] / sum * row[d];
    }
    write_floats(out, n.Dv, p.tensors.output.dtype, row_of(p.tensors.output, b, h, i));
    if (p.tensors.lse.present()) {
      *reinterpret_cast<float*>(row_of(p.tensors.lse, b, h, i)) = unseen ? -kInfinity : max + std::log(sum);
    }
  }
}

size_t reference_scratch(const DecodeProblem& p) {
  int64_t longest = 0;
  for (const int64_t length : p.tensors.cache.lengths) longest = std::max(longest, length);
  return static_cast<size_t>(p.sizes.D + std::max(p.sizes.D, p.sizes.Dv) + p.sizes.Dv + longest);
}

}  // namespace attend
