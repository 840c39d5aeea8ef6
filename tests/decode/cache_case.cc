#include "decode/cache_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "attention/dtypes.h"
#include "base/half.h"
#include "base/random.h"
#include "decode/float_rows.h"

namespace attend {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Memory of which every float32, bfloat16 and float16 is NaN, off any alignment but the element's.
std::vector<std::byte> nans(const Shape& shape, DType dtype) {
  const int64_t count = shape[0] * shape[1] * shape[2] * shape[3] + 1;
  return std::vector<std::byte>(static_cast<size_t>(count) * size_of(dtype), std::byte{0xff});
}

TensorView view_of(const std::vector<std::byte>& memory, const Shape& shape, DType dtype) {
  return {memory.data() + size_of(dtype), dtype, shape, dense_strides(shape)};
}

MutableTensorView view_of(std::vector<std::byte>& memory, const Shape& shape, DType dtype) {
  return {memory.data() + size_of(dtype), dtype, shape, dense_strides(shape)};
}

std::vector<float> normal(RandomKey key, int64_t count, float magnitude = 1) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = magnitude * static_cast<float>(key.normal(i));
  return numbers;
}

double at(const TensorView& view, int64_t b, int64_t h, int64_t t, int64_t d) {
  float x = 0;
  read_floats(row_of(view, b, h, t) + d * static_cast<int64_t>(size_of(view.dtype)), view.dtype, 1, &x);
  return x;
}

/// The number of a head in a view [B or 1, Hq or 1, 1, 1] of float32.
double head_number(const TensorView& view, int64_t b, int64_t h) {
  return at(view, view.shape[0] == 1 ? 0 : b, view.shape[1] == 1 ? 0 : h, 0, 0);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const CacheSpec& s) {
  out << name_of(s.stored) << " Hq " << s.Hq << " Hkv " << s.Hkv << " Tq " << s.Tq << " D " << s.D << " Dv "
      << s.Dv << " page " << s.page_size << " lengths";
  for (const int64_t length : s.lengths) out << ' ' << length;
  return out;
}

CacheCase::CacheCase(const CacheSpec& s) : spec(s), lengths(s.lengths.size(), 0) {
  const int64_t longest = std::max<int64_t>(1, *std::max_element(s.lengths.begin(), s.lengths.end())),
                sequences_count = static_cast<int64_t>(s.lengths.size());
  page_size_ = s.page_size > 0 ? s.page_size : longest + 3;
  pages_per_sequence_ = (longest + page_size_ - 1) / page_size_;
  pages_ = sequences_count * pages_per_sequence_ + 2;
  if (s.page_size > 0) {
    table.resize(static_cast<size_t>(sequences_count * pages_per_sequence_));
    std::iota(table.begin(), table.end(), 1);
    for (size_t i = table.size(); i > 1; --i) std::swap(table[i - 1], table[RandomKey(s.seed).below(i, i)]);
  }
  const Shape key_shape = {pages_, s.Hkv, page_size_, s.D}, value_shape = {pages_, s.Hkv, page_size_, s.Dv},
              scale_shape = {pages_, s.Hkv, page_size_, 1};
  key_ = nans(key_shape, s.stored);
  value_ = nans(value_shape, s.stored);
  if (s.stored == DType::kInt8) key_scale_ = value_scale_ = nans(scale_shape, DType::kFloat32);

  const Shape tokens_key = {sequences_count, s.Hkv, longest, s.D},
              tokens_value = {sequences_count, s.Hkv, longest, s.Dv};
  const std::vector<float> keys = normal(RandomKey(s.seed).child(1), sequences_count * s.Hkv * longest * s.D),
                           values =
                               normal(RandomKey(s.seed).child(2), sequences_count * s.Hkv * longest * s.Dv);
  const Status status = kv_append({{keys.data(), tokens_key}, {values.data(), tokens_value}, spec.lengths},
                                  mutable_cache(), serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  lengths = spec.lengths;

  const std::vector<float> queries =
      normal(RandomKey(s.seed).child(3), sequences_count * s.Hq * s.Tq * s.D, s.magnitude);
  query_.resize((queries.size() + 1) * size_of(s.query));
  write_floats(queries.data(), static_cast<int64_t>(queries.size()), s.query,
               query_.data() + size_of(s.query));
}

MutableKvView CacheCase::mutable_cache() {
  MutableKvView v;
  v.key = view_of(key_, {pages_, spec.Hkv, page_size_, spec.D}, spec.stored);
  v.value = view_of(value_, {pages_, spec.Hkv, page_size_, spec.Dv}, spec.stored);
  if (spec.stored == DType::kInt8) {
    v.key_scale = view_of(key_scale_, {pages_, spec.Hkv, page_size_, 1}, DType::kFloat32);
    v.value_scale = view_of(value_scale_, {pages_, spec.Hkv, page_size_, 1}, DType::kFloat32);
  }
  v.block_table = table;
  v.pages_per_sequence = pages_per_sequence_;
  v.lengths = lengths;
  v.sequences = sequences;
  return v;
}

KvView CacheCase::cache() const {
  return const_cast<CacheCase*>(this)->mutable_cache();
}

TensorView CacheCase::query() const {
  return view_of(query_, {B(), spec.Hq, spec.Tq, spec.D}, spec.query);
}

std::vector<double> CacheCase::stored(const TensorView& rows, const TensorView& scales, int64_t sequence,
                                      int64_t head, int64_t j) const {
  const int64_t page =
      table.empty() ? sequence : table[static_cast<size_t>(sequence * pages_per_sequence_ + j / page_size_)];
  std::vector<double> row(static_cast<size_t>(rows.shape[3]));
  for (size_t d = 0; d < row.size(); ++d) {
    row[d] = at(rows, page, head, j % page_size_, static_cast<int64_t>(d));
    if (rows.dtype == DType::kInt8) row[d] *= at(scales, page, head, j % page_size_, 0);
  }
  return row;
}

std::vector<double> CacheCase::key(int64_t sequence, int64_t head, int64_t j) const {
  return stored(cache().key, cache().key_scale, sequence, head, j);
}
std::vector<double> CacheCase::value(int64_t sequence, int64_t head, int64_t j) const {
  return stored(cache().value, cache().value_scale, sequence, head, j);
}

namespace {

void fill_row(const MutableTensorView& rows, const MutableTensorView& scales, int64_t page, int64_t head,
              int64_t slot, float x) {
  const std::vector<float> row(static_cast<size_t>(rows.shape[3]), x);
  if (rows.dtype == DType::kInt8) {
    std::memset(row_of(rows, page, head, slot), 1, row.size());
    *reinterpret_cast<float*>(row_of(scales, page, head, slot)) = x;
  } else {
    write_floats(row.data(), rows.shape[3], rows.dtype, row_of(rows, page, head, slot));
  }
}

}  // namespace

void CacheCase::set_key(int64_t sequence, int64_t head, int64_t j, float x) {
  const MutableKvView v = mutable_cache();
  const int64_t page =
      table.empty() ? sequence : table[static_cast<size_t>(sequence * pages_per_sequence_ + j / page_size_)];
  fill_row(v.key, v.key_scale, page, head, j % page_size_, x);
}
void CacheCase::set_value(int64_t sequence, int64_t head, int64_t j, float x) {
  const MutableKvView v = mutable_cache();
  const int64_t page =
      table.empty() ? sequence : table[static_cast<size_t>(sequence * pages_per_sequence_ + j / page_size_)];
  fill_row(v.value, v.value_scale, page, head, j % page_size_, x);
}

size_t CacheCase::scratch_bytes(const DecodeOptions& options) const {
  const Shape shape = {B(), spec.Hq, spec.Tq, spec.Dv};
  std::vector<std::byte> output = nans(shape, spec.query);
  return attention_decode_scratch_bytes({query(), cache(), view_of(output, shape, spec.query), {}}, options,
                                        1)
      .value();
}

DecodeAnswer CacheCase::decode(const DecodeOptions& options, const AttentionResources& resources) const {
  const Shape shape = {B(), spec.Hq, spec.Tq, spec.Dv}, lse_shape = {B(), spec.Hq, spec.Tq, 1};
  std::vector<std::byte> output = nans(shape, spec.query), lse = nans(lse_shape, DType::kFloat32);
  const MutableTensorView out = view_of(output, shape, spec.query),
                          l = view_of(lse, lse_shape, DType::kFloat32);
  const Status status = attention_decode({query(), cache(), out, l}, options, resources);
  EXPECT_TRUE(status.ok()) << status.message();
  for (size_t i = 0; i < size_of(spec.query); ++i) EXPECT_EQ(output[i], std::byte{0xff});
  DecodeAnswer answer;
  for (int64_t b = 0; b < B(); ++b) {
    for (int64_t h = 0; h < spec.Hq; ++h) {
      for (int64_t i = 0; i < spec.Tq; ++i) {
        for (int64_t d = 0; d < spec.Dv; ++d) answer.output.push_back(at(out, b, h, i, d));
        answer.lse.push_back(at(l, b, h, i, 0));
      }
    }
  }
  return answer;
}

DecodeAnswer CacheCase::exact(const DecodeOptions& o) const {
  DecodeAnswer answer;
  const double scale = o.scale ? *o.scale : 1 / std::sqrt(static_cast<double>(spec.D));
  for (int64_t b = 0; b < B(); ++b) {
    const int64_t sequence = sequences.empty() ? b : sequences[static_cast<size_t>(b)];
    const int64_t L = lengths[static_cast<size_t>(sequence)],
                  n = o.query_counts.empty() ? spec.Tq : o.query_counts[static_cast<size_t>(b)];
    for (int64_t h = 0; h < spec.Hq; ++h) {
      const int64_t kv = h / (spec.Hq / spec.Hkv);
      std::vector<std::vector<double>> keys, values;
      for (int64_t j = 0; j < L; ++j) {
        keys.push_back(key(sequence, kv, j));
        values.push_back(value(sequence, kv, j));
      }
      for (int64_t i = 0; i < spec.Tq; ++i) {
        const int64_t t = o.causal == Causal::kUpperLeft ? i : L - n + i;
        std::vector<double> scores(static_cast<size_t>(L), -kInfinity), out(static_cast<size_t>(spec.Dv), 0);
        double max = -kInfinity;
        for (int64_t j = 0; j < L && i < n; ++j) {
          if (o.causal != Causal::kNone && j > t) continue;
          if (o.window.left >= 0 && j < t - o.window.left) continue;
          if (o.window.right >= 0 && j > t + o.window.right) continue;
          double s = 0;
          for (int64_t d = 0; d < spec.D; ++d)
            s += at(query(), b, h, i, d) * keys[static_cast<size_t>(j)][static_cast<size_t>(d)];
          s *= scale;
          if (o.softcap > 0) s = o.softcap * std::tanh(s / o.softcap);
          if (o.alibi_slopes.present())
            s -= head_number(o.alibi_slopes, b, h) * std::abs(static_cast<double>(t - j));
          scores[static_cast<size_t>(j)] = s;
          max = std::max(max, s);
        }
        double sum = 0;
        for (int64_t j = 0; j < L; ++j) {
          const double s = scores[static_cast<size_t>(j)];
          if (s == -kInfinity) continue;
          sum += std::exp(s - max);
          for (size_t d = 0; d < out.size(); ++d)
            out[d] += std::exp(s - max) * values[static_cast<size_t>(j)][d];
        }
        if (sum > 0 && o.sinks.present()) sum += std::exp(head_number(o.sinks, 0, h) - max);
        for (const double x : out) answer.output.push_back(sum == 0 ? 0 : x / sum);
        answer.lse.push_back(sum == 0 ? -kInfinity : max + std::log(sum));
      }
    }
  }
  return answer;
}

}  // namespace attend
