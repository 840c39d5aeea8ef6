#include "attention/packed_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace attend {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int64_t longest(const std::vector<SequenceLengths>& lengths, int64_t SequenceLengths::*axis) {
  int64_t most = 0;
  for (const SequenceLengths& l : lengths) most = std::max(most, l.*axis);
  return most;
}

std::vector<int64_t> starts_of(const std::vector<SequenceLengths>& lengths, int64_t SequenceLengths::*axis) {
  std::vector<int64_t> starts = {0};
  for (const SequenceLengths& l : lengths) starts.push_back(starts.back() + l.*axis);
  return starts;
}

PaddedTensor<float> random_tensor(const Shape& shape, Layout layout, RandomKey random) {
  PaddedTensor<float> tensor(shape, layout);
  tensor.fill_normal(random);
  return tensor;
}

PaddedTensor<bool> random_mask(const Shape& shape, RandomKey random) {
  PaddedTensor<bool> mask(shape, Layout::kGaps);
  std::vector<bool> bits = mask.elements();
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = random.below(i, 4) != 0;
  mask.set_elements(bits);
  return mask;
}

/// Appends rows [first, first + count) of batch row b, all heads.
void append_rows(const PaddedTensor<float>& from, int64_t b, int64_t first, int64_t count,
                 std::vector<float>& to) {
  for (int64_t t = first; t < first + count; ++t) {
    for (int64_t h = 0; h < from.shape()[1]; ++h) {
      for (int64_t d = 0; d < from.shape()[3]; ++d) to.push_back(from.at(b, h, t, d));
    }
  }
}

/// The rows of every batch row that are `rows` of a packed tensor, and `padding` behind them.
struct RowCopy {
  int64_t first, count;
};
PaddedTensor<float> unpacked(const PaddedTensor<float>& packed, const std::vector<RowCopy>& rows, int64_t T,
                             float padding) {
  const Shape& shape = packed.shape();
  PaddedTensor<float> made({static_cast<int64_t>(rows.size()), shape[1], T, shape[3]}, Layout::kDense);
  made.fill(padding);
  for (size_t b = 0; b < rows.size(); ++b) {
    for (int64_t h = 0; h < shape[1]; ++h) {
      for (int64_t t = 0; t < rows[b].count; ++t) {
        for (int64_t d = 0; d < shape[3]; ++d) {
          made.at(static_cast<int64_t>(b), h, t, d) = packed.at(0, h, rows[b].first + t, d);
        }
      }
    }
  }
  return made;
}

PaddedTensor<float> unwritten(const Shape& shape, Layout layout) {
  PaddedTensor<float> tensor(shape, layout);
  tensor.fill(kNan);
  return tensor;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const PackedSpec& s) {
  out << "lengths";
  for (const SequenceLengths& l : s.lengths) out << ' ' << l.queries << 'x' << l.keys;
  return out << " Hq " << s.Hq << " Hkv " << s.Hkv << " D " << s.D << " Dv " << s.Dv << " causal "
             << static_cast<int>(s.causal) << " window " << s.window.left << ' ' << s.window.right
             << (s.offsets ? " offsets" : "") << (s.kv_lengths ? " kv_lengths" : "")
             << (s.mask ? " mask" : "") << (s.key_mask ? " key mask" : "") << (s.bias ? " bias" : "")
             << (s.shared_bias ? " shared bias" : "") << (s.alibi ? " alibi" : "") << " softcap " << s.softcap
             << (s.sinks ? " sinks" : "") << " dropout " << s.dropout << (s.rope ? " rope" : "") << " layout "
             << static_cast<int>(s.layout);
}

/// Rows of a batch, each a sequence from its first row on.
struct PackedCase::Batch {
  std::vector<RowCopy> query_rows, key_rows;  // of the packed tensors
  int64_t Tq, Tk;
  AttentionOptions options;
  std::vector<int64_t> offsets, kv_lengths;  // borrowed by the options, when they are not empty
  int64_t first_sequence, end_sequence;      // the batch rows whose answers count

  AttentionOptions with(Isa isa) const {
    AttentionOptions all = options;
    all.query_offset = offsets;
    all.kv_lengths = kv_lengths;
    all.isa = isa;
    return all;
  }
};

PackedCase::PackedCase(const PackedSpec& spec)
    : query_starts(starts_of(spec.lengths, &SequenceLengths::queries)),
      key_starts(starts_of(spec.lengths, &SequenceLengths::keys)),
      spec_(spec) {
  const RandomKey random(spec.seed);
  const int64_t queries = query_starts.back(), keys = key_starts.back(), Hq = spec.Hq,
                Tq = longest(spec.lengths, &SequenceLengths::queries),
                Tk = longest(spec.lengths, &SequenceLengths::keys);
  query = random_tensor({1, Hq, queries, spec.D}, spec.layout, random.child(1));
  key = random_tensor({1, spec.Hkv, keys, spec.D}, spec.layout, random.child(2));
  value = random_tensor({1, spec.Hkv, keys, spec.Dv}, spec.layout, random.child(3));
  output_gradient = random_tensor({1, Hq, queries, spec.Dv}, spec.layout, random.child(4));
  if (spec.mask) mask_ = random_mask({count(), Hq, Tq, Tk}, random.child(5));
  if (spec.key_mask) mask_ = random_mask({count(), 1, 1, Tk}, random.child(5));
  if (spec.bias) bias_ = random_tensor({count(), Hq, Tq, Tk}, Layout::kGaps, random.child(6));
  if (spec.shared_bias) bias_ = random_tensor({1, Hq, Tq, 1}, Layout::kGaps, random.child(6));
  if (spec.far_bias != 0) {
    std::vector<float> numbers = bias_.elements();
    for (size_t i = 0; i < numbers.size(); i += 5) numbers[i] = spec.far_bias;
    bias_.set_elements(numbers);
  }
  if (spec.alibi) alibi_slopes_ = random_tensor({count(), Hq, 1, 1}, Layout::kDense, random.child(7));
  if (spec.sinks) sinks_ = random_tensor({1, Hq, 1, 1}, Layout::kDense, random.child(8));
  if (spec.rope) {
    cos_ = sin_ = PaddedTensor<float>({1, 1, 50, 8}, Layout::kGaps);
    EXPECT_TRUE(rope_table({.base = 100}, {cos_.view(), sin_.view()}).ok());
    for (int64_t i = 0; i < queries; ++i) {
      query_positions_.push_back(static_cast<int64_t>(random.child(11).below(static_cast<uint64_t>(i), 50)));
    }
    for (int64_t j = 0; j < keys; ++j) {
      key_positions_.push_back(static_cast<int64_t>(random.child(12).below(static_cast<uint64_t>(j), 50)));
    }
  }
  for (int64_t s = 0; s < count(); ++s) {
    const SequenceLengths& l = spec.lengths[static_cast<size_t>(s)];
    const auto at = static_cast<uint64_t>(s);
    if (spec.offsets) {
      offsets_.push_back(static_cast<int64_t>(random.child(9).below(at, static_cast<uint64_t>(l.keys) + 3)) -
                         1);
    }
    if (!spec.kv_lengths) continue;
    kv_lengths_.push_back(
        static_cast<int64_t>(random.child(10).below(at, static_cast<uint64_t>(l.keys) + 1)));
    for (int64_t j = key_starts[at] + kv_lengths_.back(); j < key_starts[at + 1]; ++j) {
      for (int64_t h = 0; h < spec.Hkv; ++h) {
        for (int64_t d = 0; d < spec.D; ++d) key.at(0, h, j, d) = kNan;
        for (int64_t d = 0; d < spec.Dv; ++d) value.at(0, h, j, d) = kNan;
      }
    }
  }
}

AttentionOptions PackedCase::options(Isa isa) const {
  AttentionOptions options;
  options.causal = spec_.causal;
  options.window = spec_.window;
  options.query_offset = offsets_;
  options.kv_lengths = kv_lengths_;
  if (mask_.present()) options.mask = mask_.view();
  if (bias_.present()) options.bias = bias_.view();
  if (alibi_slopes_.present()) options.alibi_slopes = alibi_slopes_.view();
  if (sinks_.present()) options.sinks = sinks_.view();
  if (cos_.present()) options.rope = {RopeLayout::kInterleaved, cos_.view(), sin_.view()};
  options.query_positions = query_positions_;
  options.key_positions = key_positions_;
  options.softcap = spec_.softcap;
  options.dropout = spec_.dropout;
  options.seed = spec_.seed;
  options.isa = isa;
  return options;
}

PackedAttentionTensors PackedCase::inputs() const {
  return {query.view(), key.view(), value.view(), query_starts, key_starts, {}, {}};
}

PackedAnswer PackedCase::forward(Isa isa, Executor& executor) const {
  PaddedTensor<float> output = unwritten({1, spec_.Hq, query_starts.back(), spec_.Dv}, spec_.layout),
                      lse = unwritten({1, spec_.Hq, query_starts.back(), 1}, spec_.layout);
  PackedAttentionTensors tensors = inputs();
  tensors.output = output.view();
  tensors.lse = lse.view();
  const Status status = attention_varlen(tensors, options(isa), executor);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(output.disturbed_gaps() + lse.disturbed_gaps(), 0);
  PackedAnswer answer;
  append_rows(output, 0, 0, query_starts.back(), answer.output);
  append_rows(lse, 0, 0, query_starts.back(), answer.lse);
  return answer;
}

PackedGradients PackedCase::backward(Isa isa, Executor& executor) const {
  const int64_t queries = query_starts.back(), keys = key_starts.back();
  PaddedTensor<float> output = unwritten({1, spec_.Hq, queries, spec_.Dv}, spec_.layout),
                      lse = unwritten({1, spec_.Hq, queries, 1}, spec_.layout),
                      dq = unwritten({1, spec_.Hq, queries, spec_.D}, spec_.layout),
                      dk = unwritten({1, spec_.Hkv, keys, spec_.D}, spec_.layout),
                      dv = unwritten({1, spec_.Hkv, keys, spec_.Dv}, spec_.layout), dsinks = sinks_,
                      dbias = bias_;
  if (dbias.present()) dbias.fill(kNan);
  PackedAttentionTensors tensors = inputs();
  tensors.output = output.view();
  tensors.lse = lse.view();
  Status status = attention_varlen(tensors, options(isa), executor);
  EXPECT_TRUE(status.ok()) << status.message();
  PackedAttentionGradientTensors gradients{
      tensors.query, tensors.key,    tensors.value, query_starts,
      key_starts,    tensors.output, tensors.lse,   output_gradient.view(),
      dq.view(),     dk.view(),      dv.view()};
  if (dsinks.present()) gradients.sinks_gradient = dsinks.view();
  if (dbias.present()) gradients.bias_gradient = dbias.view();
  status = attention_varlen_backward(gradients, options(isa), executor);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(dq.disturbed_gaps() + dk.disturbed_gaps() + dv.disturbed_gaps(), 0);
  PackedGradients answer;
  append_rows(dq, 0, 0, queries, answer.query);
  append_rows(dk, 0, 0, keys, answer.key);
  append_rows(dv, 0, 0, keys, answer.value);
  if (dsinks.present()) answer.sinks = dsinks.elements();
  if (dbias.present()) answer.bias = dbias.elements();
  return answer;
}

/// Every batch row is sequence s. As row s it has the sequence's options, dropout among them.
PackedCase::Batch PackedCase::batch_alone(int64_t s) const {
  const auto at = static_cast<size_t>(s);
  const SequenceLengths& l = spec_.lengths[at];
  const auto copies = static_cast<size_t>(count());
  Batch batch = {.query_rows = std::vector<RowCopy>(copies, {query_starts[at], l.queries}),
                 .key_rows = std::vector<RowCopy>(copies, {key_starts[at], l.keys}),
                 .Tq = l.queries,
                 .Tk = l.keys,
                 .options = options(Isa::kScalar),
                 .offsets = offsets_,
                 .kv_lengths = kv_lengths_,
                 .first_sequence = s,
                 .end_sequence = s + 1};
  for (int64_t& length : batch.kv_lengths) length = std::min(length, l.keys);
  if (spec_.rope) {
    const auto first = [s](const std::vector<int64_t>& starts) {
      return static_cast<size_t>(starts[static_cast<size_t>(s)]);
    };
    batch.options.query_positions =
        batch.options.query_positions.subspan(first(query_starts), static_cast<size_t>(l.queries));
    batch.options.key_positions =
        batch.options.key_positions.subspan(first(key_starts), static_cast<size_t>(l.keys));
    // Without rows there is nothing to turn, and no position for it.
    if (l.queries == 0 || l.keys == 0) batch.options.rope = {};
    if (l.queries == 0 || l.keys == 0) batch.options.query_positions = batch.options.key_positions = {};
  }
  for (TensorView* view : {&batch.options.mask, &batch.options.bias}) {
    if (!view->present()) continue;
    if (view->shape[2] != 1) view->shape[2] = l.queries;
    if (view->shape[3] != 1) view->shape[3] = l.keys;
  }
  return batch;
}

PackedCase::Batch PackedCase::batch_padded() const {
  Batch batch = {.query_rows = {},
                 .key_rows = {},
                 .Tq = longest(spec_.lengths, &SequenceLengths::queries),
                 .Tk = longest(spec_.lengths, &SequenceLengths::keys),
                 .options = options(Isa::kScalar),
                 .offsets = offsets_,
                 .kv_lengths = kv_lengths_,
                 .first_sequence = 0,
                 .end_sequence = count()};
  for (size_t s = 0; s < spec_.lengths.size(); ++s) {
    const SequenceLengths& l = spec_.lengths[s];
    batch.query_rows.push_back({query_starts[s], l.queries});
    batch.key_rows.push_back({key_starts[s], l.keys});
    if (kv_lengths_.empty()) batch.kv_lengths.push_back(l.keys);
    // The diagonal of a padded batch is measured from its longest row.
    if (offsets_.empty()) {
      batch.offsets.push_back(spec_.causal == Causal::kUpperLeft ? 0 : l.keys - l.queries);
    }
  }
  if (spec_.causal != Causal::kNone) batch.options.causal = Causal::kQueryOffset;
  return batch;
}

PackedAnswer PackedCase::forward_of(const Batch& batch, Isa isa) const {
  const int64_t B = count();
  const PaddedTensor<float> q = unpacked(query, batch.query_rows, batch.Tq, 0),
                            k = unpacked(key, batch.key_rows, batch.Tk, kNan),
                            v = unpacked(value, batch.key_rows, batch.Tk, kNan);
  PaddedTensor<float> output = unwritten({B, spec_.Hq, batch.Tq, spec_.Dv}, Layout::kDense),
                      lse = unwritten({B, spec_.Hq, batch.Tq, 1}, Layout::kDense);
  const Status status = attention({q.view(), k.view(), v.view(), output.view(), lse.view(), {}},
                                  batch.with(isa), serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  PackedAnswer answer;
  for (int64_t s = batch.first_sequence; s < batch.end_sequence; ++s) {
    const int64_t queries = spec_.lengths[static_cast<size_t>(s)].queries;
    append_rows(output, s, 0, queries, answer.output);
    append_rows(lse, s, 0, queries, answer.lse);
  }
  return answer;
}

PackedGradients PackedCase::backward_of(const Batch& batch, Isa isa) const {
  const int64_t B = count();
  const PaddedTensor<float> q = unpacked(query, batch.query_rows, batch.Tq, 0),
                            k = unpacked(key, batch.key_rows, batch.Tk, kNan),
                            v = unpacked(value, batch.key_rows, batch.Tk, kNan),
                            dout = unpacked(output_gradient, batch.query_rows, batch.Tq, 0);
  PaddedTensor<float> output = unwritten({B, spec_.Hq, batch.Tq, spec_.Dv}, Layout::kDense),
                      lse = unwritten({B, spec_.Hq, batch.Tq, 1}, Layout::kDense),
                      dq = unwritten({B, spec_.Hq, batch.Tq, spec_.D}, Layout::kDense),
                      dk = unwritten({B, spec_.Hkv, batch.Tk, spec_.D}, Layout::kDense),
                      dv = unwritten({B, spec_.Hkv, batch.Tk, spec_.Dv}, Layout::kDense), dsinks = sinks_,
                      dbias = bias_;
  const bool of_all = batch.first_sequence == 0 && batch.end_sequence == B && bias_.present();
  const AttentionOptions options = batch.with(isa);
  Status status =
      attention({q.view(), k.view(), v.view(), output.view(), lse.view(), {}}, options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  const PaddedTensor<float>&made = output, &made_lse = lse;
  AttentionGradientTensors gradients{q.view(),    k.view(),  v.view(),  made.view(), made_lse.view(),
                                     dout.view(), dq.view(), dk.view(), dv.view()};
  if (dsinks.present()) gradients.sinks_gradient = dsinks.view();
  if (of_all) gradients.bias_gradient = dbias.view();
  status = attention_backward(gradients, options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  PackedGradients answer;
  for (int64_t s = batch.first_sequence; s < batch.end_sequence; ++s) {
    const SequenceLengths& l = spec_.lengths[static_cast<size_t>(s)];
    append_rows(dq, s, 0, l.queries, answer.query);
    append_rows(dk, s, 0, l.keys, answer.key);
    append_rows(dv, s, 0, l.keys, answer.value);
  }
  if (of_all) answer.bias = dbias.elements();
  if (dsinks.present()) answer.sinks = dsinks.elements();
  return answer;
}

PackedAnswer PackedCase::forward_alone(Isa isa) const {
  PackedAnswer all;
  for (int64_t s = 0; s < count(); ++s) {
    const PackedAnswer one = forward_of(batch_alone(s), isa);
    all.output.insert(all.output.end(), one.output.begin(), one.output.end());
    all.lse.insert(all.lse.end(), one.lse.begin(), one.lse.end());
  }
  return all;
}

PackedGradients PackedCase::backward_alone(Isa isa) const {
  PackedGradients all;
  for (int64_t s = 0; s < count(); ++s) {
    const PackedGradients one = backward_of(batch_alone(s), isa);
    all.query.insert(all.query.end(), one.query.begin(), one.query.end());
    all.key.insert(all.key.end(), one.key.begin(), one.key.end());
    all.value.insert(all.value.end(), one.value.begin(), one.value.end());
  }
  return all;
}

PackedAnswer PackedCase::forward_padded(Isa isa) const {
  return forward_of(batch_padded(), isa);
}
PackedGradients PackedCase::backward_padded(Isa isa) const {
  return backward_of(batch_padded(), isa);
}

std::vector<SequenceLengths> awkward_lengths() {
  return {{7, 9}, {1, 65}, {0, 5}, {64, 64}, {9, 0}, {130, 200}, {0, 0}, {97, 8}, {3, 63}, {65, 1}, {2, 0}};
}

PackedSpec many_options(const std::vector<SequenceLengths>& lengths) {
  return {.lengths = lengths,
          .causal = Causal::kQueryOffset,
          .window = {130, -1},
          .offsets = true,
          .kv_lengths = true,
          .mask = true,
          .bias = true,
          .alibi = true,
          .softcap = 3,
          .sinks = true,
          .dropout = 0.2f,
          .layout = Layout::kGaps};
}

}  // namespace attend
