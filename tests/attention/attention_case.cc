#include "attention/attention_case.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attend {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What marks memory that belongs to no element. A bool has no NaN: true, which would let a masked key in.
template <class T>
T gap_value() {
  if constexpr (std::is_same_v<T, bool>)
    return true;
  else
    return static_cast<T>(kNan);
}

Shape strides_for(const Shape& shape, Layout layout) {
  switch (layout) {
    case Layout::kDense:
      return dense_strides(shape);
    case Layout::kTimeMajor:
      return {shape[1] * shape[2] * shape[3], shape[3], shape[1] * shape[3], 1};
    case Layout::kGaps: {
      const int64_t row = shape[3] + 5, head = shape[2] * row + 7;
      return {shape[1] * head + 11, head, row, 1};
    }
    case Layout::kTransposed:
      return {shape[1] * shape[2] * shape[3], shape[2] * shape[3], 1, shape[2]};
    case Layout::kBroadcastBatch: {
      Shape stride = dense_strides(shape);
      stride[0] = 0;
      return stride;
    }
  }
  return {};
}

Layout for_outputs(Layout layout) {
  return layout == Layout::kBroadcastBatch ? Layout::kDense : layout;
}

std::vector<double> doubles(const auto& numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace

template <class T>
PaddedTensor<T>::PaddedTensor(const Shape& shape, Layout layout)
    : shape_(shape), stride_(strides_for(shape, layout)) {
  int64_t size = 1;
  for (size_t a = 0; a < 4; ++a) size += std::max<int64_t>(0, shape[a] - 1) * stride_[a];
  memory_.assign(kLead + static_cast<size_t>(size) + 64, gap_value<T>());
  fill(T{});
}

template <class T>
void PaddedTensor<T>::fill(T value) {
  std::vector<T> same(static_cast<size_t>(shape_[0] * shape_[1] * shape_[2] * shape_[3]), value);
  set_elements(same);
}

template <class T>
void PaddedTensor<T>::fill_normal(RandomKey key) {
  uint64_t n = 0;
  std::vector<T> numbers = elements();
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<T>(static_cast<float>(key.normal(n++)));
  set_elements(numbers);
}

template <class T>
std::vector<T> PaddedTensor<T>::elements() const {
  std::vector<T> all;
  for (int64_t b = 0; b < shape_[0]; ++b)
    for (int64_t h = 0; h < shape_[1]; ++h)
      for (int64_t t = 0; t < shape_[2]; ++t)
        for (int64_t d = 0; d < shape_[3]; ++d) all.push_back(at(b, h, t, d));
  return all;
}

template <class T>
void PaddedTensor<T>::set_elements(const std::vector<T>& elements) {
  size_t n = 0;
  for (int64_t b = 0; b < shape_[0]; ++b)
    for (int64_t h = 0; h < shape_[1]; ++h)
      for (int64_t t = 0; t < shape_[2]; ++t)
        for (int64_t d = 0; d < shape_[3]; ++d) at(b, h, t, d) = elements[n++];
}

template <class T>
int64_t PaddedTensor<T>::disturbed_gaps() const {
  if constexpr (std::is_same_v<T, bool>) {
    return 0;
  } else {
    std::vector<bool> is_element(memory_.size(), false);
    for (int64_t b = 0; b < shape_[0]; ++b)
      for (int64_t h = 0; h < shape_[1]; ++h)
        for (int64_t t = 0; t < shape_[2]; ++t)
          for (int64_t d = 0; d < shape_[3]; ++d) is_element[index(b, h, t, d)] = true;
    int64_t disturbed = 0;
    for (size_t i = 0; i < memory_.size(); ++i) disturbed += !is_element[i] && !std::isnan(memory_[i]);
    return disturbed;
  }
}

template <class T>
template <class U>
PaddedTensor<U> PaddedTensor<T>::as() const {
  if (!present()) return {};
  PaddedTensor<U> other;
  other.shape_ = shape_;
  other.stride_ = stride_;
  other.memory_.assign(memory_.begin(), memory_.end());
  return other;
}

template class PaddedTensor<float>;
template PaddedTensor<double> PaddedTensor<float>::as() const;
template class PaddedTensor<double>;
template class PaddedTensor<bool>;

std::ostream& operator<<(std::ostream& out, const CaseSpec& s) {
  const Sizes& n = s.sizes;
  return out << "B " << n.B << " Hq " << n.Hq << " Hkv " << n.Hkv << " Tq " << n.Tq << " Tk " << n.Tk << " D "
             << n.D << " Dv " << n.Dv << " causal " << static_cast<int>(s.causal) << " window "
             << s.window.left << " " << s.window.right << " offset " << ::testing::PrintToString(s.offset)
             << " scale " << ::testing::PrintToString(s.scale) << " ragged " << s.ragged << " mask "
             << static_cast<int>(s.mask) << " bias " << static_cast<int>(s.bias)
             << (s.transposed_bias ? " transposed" : "") << " far bias " << s.far_bias << " alibi " << s.alibi
             << " softcap " << s.softcap << " rope " << s.rope.width << " layout "
             << static_cast<int>(s.rope.layout) << " given " << s.rope.given << " sinks " << s.sinks
             << " dropout " << s.dropout << " layout " << static_cast<int>(s.layout) << " magnitude "
             << s.magnitude << " seed " << s.seed;
}

namespace {

/// Numbers of both signs, one in eight of them -inf unless there is only one.
PaddedTensor<float> make_bias(const CaseSpec& spec, RandomKey random) {
  const Sizes& n = spec.sizes;
  const bool full = spec.bias == BiasKind::kFull, heads = spec.bias == BiasKind::kHeads,
             queries = spec.bias == BiasKind::kQueries, keys = spec.bias == BiasKind::kKeys;
  const Shape shape = {full || queries || keys ? n.B : 1, full || heads ? n.Hq : 1,
                       full || heads || queries ? n.Tq : 1, full || heads || keys ? n.Tk : 1};
  PaddedTensor<float> bias(shape, spec.transposed_bias ? Layout::kTransposed : Layout::kGaps);
  bias.fill_normal(random);
  std::vector<float> numbers = bias.elements();
  for (size_t i = 0; numbers.size() > 1 && i < numbers.size(); ++i) {
    const int64_t query = static_cast<int64_t>(i) / shape[3] % shape[2];
    const bool far = query + 1 == shape[2] || random.child(2).below(i, 8) == 0;
    if (spec.far_bias != 0 && far) numbers[i] = spec.far_bias;
    if (random.child(1).below(i, 8) == 0) numbers[i] = -std::numeric_limits<float>::infinity();
  }
  bias.set_elements(numbers);
  return bias;
}

PaddedTensor<bool> make_mask(const CaseSpec& spec, RandomKey random) {
  const Sizes& n = spec.sizes;
  const bool keys_only = spec.mask == MaskKind::kKeysOnly;
  PaddedTensor<bool> mask({n.B, keys_only ? 1 : n.Hq, keys_only ? 1 : n.Tq, n.Tk}, spec.layout);
  std::vector<bool> bits = mask.elements();
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = random.below(i, 4) != 0;
  mask.set_elements(bits);
  if (spec.mask == MaskKind::kOneRowAllMasked) {
    for (int64_t j = 0; j < n.Tk; ++j) mask.at(n.B - 1, n.Hq - 1, n.Tq / 2, j) = false;
  }
  return mask;
}

}  // namespace

AttentionCase::AttentionCase(const CaseSpec& spec) : spec_(spec) {
  const RandomKey random(spec.seed);
  const Sizes& n = spec.sizes;
  query = PaddedTensor<float>({n.B, n.Hq, n.Tq, n.D}, spec.layout);
  key = PaddedTensor<float>({n.B, n.Hkv, n.Tk, n.D}, spec.layout);
  value = PaddedTensor<float>({n.B, n.Hkv, n.Tk, n.Dv}, spec.layout);
  output_gradient = PaddedTensor<float>({n.B, n.Hq, n.Tq, n.Dv}, spec.layout);
  query.fill_normal(random.child(1));
  key.fill_normal(random.child(2));
  value.fill_normal(random.child(3));
  output_gradient.fill_normal(random.child(4));
  std::vector<float> numbers = query.elements();
  for (float& x : numbers) x *= spec.magnitude;
  query.set_elements(numbers);
  if (spec.ragged) {
    for (int64_t b = 0; b < n.B; ++b) {
      lengths.push_back(static_cast<int64_t>(
          random.child(5).below(static_cast<uint64_t>(b), static_cast<uint64_t>(n.Tk) + 1)));
    }
  }
  if (spec.mask != MaskKind::kNone) mask = make_mask(spec, random.child(6));
  if (spec.bias != BiasKind::kNone) bias = make_bias(spec, random.child(7));
  if (spec.alibi) {
    alibi_slopes = PaddedTensor<float>({1, n.Hq, 1, 1}, Layout::kDense);
    for (int64_t h = 0; h < n.Hq; ++h) alibi_slopes.at(0, h, 0, 0) = std::exp2(-static_cast<float>(h + 2));
  }
  if (spec.rope.width > 0) make_rope(random.child(9));
  if (spec.sinks) {
    sinks = PaddedTensor<float>({1, n.Hq, 1, 1}, Layout::kDense);
    sinks.fill_normal(random.child(8));
  }
}

void AttentionCase::make_rope(RandomKey random) {
  const Sizes& n = spec_.sizes;
  int64_t positions = std::max(n.Tk, n.Tq);
  for (const int64_t offset : spec_.offset) positions = std::max(positions, offset + n.Tq);
  cos = sin = PaddedTensor<float>({1, 1, positions, spec_.rope.width / 2}, Layout::kGaps);
  EXPECT_TRUE(rope_table({.base = 100}, {cos.view(), sin.view()}).ok());
  if (!spec_.rope.given) return;
  const auto anywhere = [&](int64_t rows, RandomKey key) {
    std::vector<int64_t> places(static_cast<size_t>(n.B * rows));
    for (size_t i = 0; i < places.size(); ++i) {
      places[i] = static_cast<int64_t>(key.below(i, static_cast<uint64_t>(positions)));
    }
    return places;
  };
  query_positions = anywhere(n.Tq, random.child(1));
  key_positions = anywhere(n.Tk, random.child(2));
  for (int64_t row = 0; !lengths.empty() && row < n.B * n.Tk; ++row) {
    if (row % n.Tk >= lengths[static_cast<size_t>(row / n.Tk)]) key_positions[static_cast<size_t>(row)] = -1;
  }
}

int64_t AttentionCase::query_position(int64_t b, int64_t i) const {
  const Sizes& n = spec_.sizes;
  if (!query_positions.empty()) return query_positions[static_cast<size_t>(b * n.Tq + i)];
  if (!spec_.offset.empty()) return i + spec_.offset[spec_.offset.size() == 1 ? 0 : static_cast<size_t>(b)];
  return spec_.causal == Causal::kUpperLeft ? i : i + n.Tk - n.Tq;
}

int64_t AttentionCase::key_position(int64_t b, int64_t j) const {
  return key_positions.empty() ? j : key_positions[static_cast<size_t>(b * spec_.sizes.Tk + j)];
}

template <class T>
AttentionOptions AttentionCase::options(const Operands<T>& operands, std::optional<Isa> isa) const {
  AttentionOptions options;
  options.scale = spec_.scale;
  options.causal = spec_.causal;
  options.window = spec_.window;
  options.query_offset = spec_.offset;
  options.kv_lengths = lengths;
  if (mask.present()) options.mask = mask.view();
  if (operands.bias.present()) options.bias = operands.bias.view();
  if (operands.alibi_slopes.present()) options.alibi_slopes = operands.alibi_slopes.view();
  if (operands.sinks.present()) options.sinks = operands.sinks.view();
  if (operands.cos.present()) options.rope = {spec_.rope.layout, operands.cos.view(), operands.sin.view()};
  options.query_positions = query_positions;
  options.key_positions = key_positions;
  options.softcap = spec_.softcap;
  options.dropout = spec_.dropout;
  options.seed = spec_.seed;
  options.isa = isa;
  return options;
}

template AttentionOptions AttentionCase::options(const Operands<float>&, std::optional<Isa>) const;
template AttentionOptions AttentionCase::options(const Operands<double>&, std::optional<Isa>) const;

Operands<double> AttentionCase::in_doubles() const {
  return {query.as<double>(),           key.as<double>(),  value.as<double>(),
          output_gradient.as<double>(), bias.as<double>(), alibi_slopes.as<double>(),
          sinks.as<double>(),           cos.as<double>(),  sin.as<double>()};
}

bool AttentionCase::sees(int64_t b, int64_t h, int64_t i, int64_t j) const {
  const Sizes& n = spec_.sizes;
  int64_t place = spec_.causal == Causal::kUpperLeft ? i : i + n.Tk - n.Tq;
  if (!spec_.offset.empty()) place = i + spec_.offset[spec_.offset.size() == 1 ? 0 : static_cast<size_t>(b)];
  if (spec_.causal != Causal::kNone && j > place) return false;
  if (spec_.window.left >= 0 && j < place - spec_.window.left) return false;
  if (spec_.window.right >= 0 && j > place + spec_.window.right) return false;
  if (!lengths.empty() && j >= lengths[static_cast<size_t>(b)]) return false;
  if (bias.present()) {
    const Shape& shape = bias.shape();
    if (std::isinf(bias.at(b % shape[0], h % shape[1], i % shape[2], j % shape[3]))) return false;
  }
  if (spec_.mask == MaskKind::kNone) return true;
  return spec_.mask == MaskKind::kKeysOnly ? mask.at(b, 0, 0, j) : mask.at(b, h, i, j);
}

bool AttentionCase::is_seen(int64_t b, int64_t kv_head, int64_t j) const {
  const int64_t group = spec_.sizes.group();
  for (int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
    for (int64_t i = 0; i < spec_.sizes.Tq; ++i) {
      if (sees(b, h, i, j)) return true;
    }
  }
  return false;
}

void AttentionCase::poison_unseen_keys(float poison) {
  const Sizes& n = spec_.sizes;
  const bool shared = spec_.layout == Layout::kBroadcastBatch;
  for (int64_t b = 0; b < n.B; ++b) {
    for (int64_t h = 0; h < n.Hkv; ++h) {
      for (int64_t j = 0; j < n.Tk; ++j) {
        bool seen = false;
        for (int64_t row = shared ? 0 : b; row < (shared ? n.B : b + 1); ++row) seen |= is_seen(row, h, j);
        if (seen) continue;
        for (int64_t d = 0; d < n.D; ++d) key.at(b, h, j, d) = poison;
        for (int64_t d = 0; d < n.Dv; ++d) value.at(b, h, j, d) = poison;
      }
    }
  }
}

template <class T>
ForwardAnswer AttentionCase::run_forward(const Operands<T>& o, const AttentionOptions& options,
                                         Executor& executor) const {
  const Sizes& n = spec_.sizes;
  const Layout layout = for_outputs(spec_.layout);
  PaddedTensor<T> output({n.B, n.Hq, n.Tq, n.Dv}, layout), lse({n.B, n.Hq, n.Tq, 1}, layout),
      weights({n.B, n.Hq, n.Tq, n.Tk}, layout), head_mean({n.B, 1, n.Tq, n.Tk}, layout),
      column_sums({n.B, n.Hq, 1, n.Tk}, layout);
  PaddedTensor<T> output_beside = output;  // of the call that sums up the weights
  PaddedTensor<T>* const outputs[] = {&output, &lse, &weights, &output_beside, &head_mean, &column_sums};
  for (PaddedTensor<T>* tensor : outputs) tensor->fill(static_cast<T>(kNan));
  AttentionTensors tensors = {o.query.view(), o.key.view(), o.value.view(),
                              output.view(),  lse.view(),   weights.view()};
  Status status = attention(tensors, options, executor);
  EXPECT_TRUE(status.ok()) << status.message();
  // A call of its own: summaries may ask for another kernel.
  tensors.output = output_beside.view();
  tensors.lse = tensors.weights = {};
  tensors.head_mean = head_mean.view();
  tensors.column_sums = column_sums.view();
  status = attention(tensors, options, executor);
  EXPECT_TRUE(status.ok()) << status.message();
  for (const PaddedTensor<T>* tensor : outputs) EXPECT_EQ(tensor->disturbed_gaps(), 0);
  return {doubles(output.elements()), doubles(lse.elements()), doubles(weights.elements()),
          doubles(head_mean.elements()), doubles(column_sums.elements())};
}

template <class T>
BackwardAnswer AttentionCase::run_backward(const Operands<T>& o, const AttentionOptions& options,
                                           Executor& executor) const {
  const Sizes& n = spec_.sizes;
  const Layout layout = for_outputs(spec_.layout);
  PaddedTensor<T> output({n.B, n.Hq, n.Tq, n.Dv}, layout), lse({n.B, n.Hq, n.Tq, 1}, layout);
  Status status = attention({o.query.view(), o.key.view(), o.value.view(), output.view(), lse.view(), {}},
                            options, executor);
  EXPECT_TRUE(status.ok()) << status.message();

  PaddedTensor<T> dq({n.B, n.Hq, n.Tq, n.D}, layout), dk({n.B, n.Hkv, n.Tk, n.D}, layout),
      dv({n.B, n.Hkv, n.Tk, n.Dv}, layout), dbias = o.bias, dsinks = o.sinks;
  for (PaddedTensor<T>* gradient : {&dq, &dk, &dv, &dbias, &dsinks}) {
    if (gradient->present()) gradient->fill(static_cast<T>(kNan));
  }
  const PaddedTensor<T>&made = output, &made_lse = lse;
  AttentionGradientTensors tensors{o.query.view(), o.key.view(),    o.value.view(),
                                   made.view(),    made_lse.view(), o.output_gradient.view(),
                                   dq.view(),      dk.view(),       dv.view()};
  if (dbias.present()) tensors.bias_gradient = dbias.view();
  if (dsinks.present()) tensors.sinks_gradient = dsinks.view();
  status = attention_backward(tensors, options, executor);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(dq.disturbed_gaps() + dk.disturbed_gaps() + dv.disturbed_gaps() + dbias.disturbed_gaps(), 0);
  return {doubles(dq.elements()), doubles(dk.elements()), doubles(dv.elements()), doubles(dbias.elements()),
          doubles(dsinks.elements())};
}

ForwardAnswer AttentionCase::forward(Isa isa, Executor& executor) const {
  return run_forward<float>(*this, options(isa), executor);
}
BackwardAnswer AttentionCase::backward(Isa isa, Executor& executor) const {
  return run_backward<float>(*this, options(isa), executor);
}
ForwardAnswer AttentionCase::exact_forward() const {
  const Operands<double> operands = in_doubles();
  return run_forward(operands, options(operands), serial_executor());
}
BackwardAnswer AttentionCase::exact_backward() const {
  const Operands<double> operands = in_doubles();
  return run_backward(operands, options(operands), serial_executor());
}

AttentionCase::Magnitudes AttentionCase::gradient_magnitudes() const {
  const Sizes& n = spec_.sizes;
  const int64_t group = n.group();
  const ForwardAnswer exact = exact_forward();
  const double scale =
      std::abs(spec_.scale ? static_cast<double>(*spec_.scale) : 1 / std::sqrt(static_cast<double>(n.D)));
  std::vector<double> dq(static_cast<size_t>(n.B * n.Hq * n.Tq * n.D)),
      dk(static_cast<size_t>(n.B * n.Hkv * n.Tk * n.D)), dv(static_cast<size_t>(n.B * n.Hkv * n.Tk * n.Dv)),
      dsinks(static_cast<size_t>(n.Hq));
  PaddedTensor<double> dbias = bias.as<double>();
  if (dbias.present()) dbias.fill(0);
  const double kept = 1 / (1 - static_cast<double>(spec_.dropout));
  for (int64_t row = 0; row < n.B * n.Hq * n.Tq; ++row) {
    const int64_t i = row % n.Tq, h = row / n.Tq % n.Hq, b = row / n.Tq / n.Hq, kv = h / group;
    const auto width_sum = [&](auto&& term) {
      double sum = 0;
      for (int64_t d = 0; d < n.Dv; ++d) sum += std::abs(output_gradient.at(b, h, i, d) * term(d));
      return sum;
    };
    const double mean =
        width_sum([&](int64_t d) { return exact.output[static_cast<size_t>(row * n.Dv + d)]; });
    dsinks[static_cast<size_t>(h)] += mean;
    for (int64_t j = 0; j < n.Tk; ++j) {
      const double p = exact.weights[static_cast<size_t>(row * n.Tk + j)];
      if (p == 0) continue;
      const double score = p * (mean + kept * width_sum([&](int64_t d) { return value.at(b, kv, j, d); }));
      const double ds = scale * score;
      if (dbias.present()) {
        const Shape& shape = dbias.shape();
        dbias.at(b % shape[0], h % shape[1], i % shape[2], j % shape[3]) += score;
      }
      const int64_t key_row = (b * n.Hkv + kv) * n.Tk + j;
      for (int64_t d = 0; d < n.D; ++d) {
        dq[static_cast<size_t>(row * n.D + d)] += ds * std::abs(key.at(b, kv, j, d));
        dk[static_cast<size_t>(key_row * n.D + d)] += ds * std::abs(query.at(b, h, i, d));
      }
      for (int64_t d = 0; d < n.Dv; ++d) {
        dv[static_cast<size_t>(key_row * n.Dv + d)] += kept * p * std::abs(output_gradient.at(b, h, i, d));
      }
    }
  }
  return {largest(dq), largest(dk), largest(dv), largest(dbias.elements()), largest(dsinks)};
}

double largest_error(const std::vector<double>& actual, const std::vector<double>& exact) {
  double largest = actual.size() == exact.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < std::min(actual.size(), exact.size()); ++i) {
    if (actual[i] == exact[i]) continue;  // both -inf, for one
    const double error = std::abs(actual[i] - exact[i]);
    largest = error <= largest    ? largest
              : std::isnan(error) ? std::numeric_limits<double>::infinity()
                                  : error;
  }
  return largest;
}

double typical_error(const std::vector<double>& actual, const std::vector<double>& exact) {
  if (!std::isfinite(largest_error(actual, exact))) return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    if (actual[i] != exact[i]) sum += (actual[i] - exact[i]) * (actual[i] - exact[i]);
  }
  return std::sqrt(sum / static_cast<double>(exact.size()));
}

double largest(const std::vector<double>& numbers) {
  double largest = 0;
  for (const double x : numbers) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

::testing::AssertionResult as_good_as_plain(const std::vector<double>& actual,
                                            const std::vector<double>& plain,
                                            const std::vector<double>& exact, double factor,
                                            double magnitude) {
  const double error = largest_error(actual, exact), bound = largest_error(plain, exact);
  const double allowed = factor * bound + 4 * 0x1p-24 * magnitude;
  if (error <= allowed) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "error " << error << ", plain float32 " << bound << ", allowed " << allowed;
}

::testing::AssertionResult weights_as_good_as_plain(const std::vector<double>& actual,
                                                    const std::vector<double>& plain,
                                                    const std::vector<double>& exact) {
  const double allowed = 2 * typical_error(plain, exact) + 0x1p-24 * largest(exact);
  if (!(typical_error(actual, exact) <= allowed)) {
    return ::testing::AssertionFailure()
           << "typical error " << typical_error(actual, exact) << ", allowed " << allowed;
  }
  return as_good_as_plain(actual, plain, exact, 4, largest(exact));
}

}  // namespace attend
