// One packed problem with random operands, and its answers: by attention_varlen(), by attention() for each
// sequence alone, and by attention() on the padded batch.
#ifndef ATTEND_TESTS_ATTENTION_PACKED_CASE_H_
#define ATTEND_TESTS_ATTENTION_PACKED_CASE_H_

#include <cstdint>
#include <ostream>
#include <vector>

#include "attend/varlen.h"
#include "attention/attention_case.h"

namespace attend {

struct SequenceLengths {
  int64_t queries, keys;
};

/// What distinguishes one case from another. Flags give every sequence numbers of its own.
struct PackedSpec {
  std::vector<SequenceLengths> lengths;
  int64_t Hq = 4, Hkv = 2, D = 20, Dv = 12;
  Causal causal = Causal::kNone;
  AttentionWindow window = {};
  bool offsets = false;      // query_offset
  bool kv_lengths = false;   // with NaN in the keys and values past them
  bool mask = false;         // [sequences, Hq, longest, longest]
  bool key_mask = false;     // [sequences, 1, 1, longest]
  bool bias = false;         // [sequences, Hq, longest, longest]
  bool shared_bias = false;  // [1, Hq, longest, 1]
  float far_bias = 0;        // of one number of the bias in five; 0: none
  bool alibi = false;
  float softcap = 0;
  bool sinks = false;
  float dropout = 0;
  bool rope = false;  // at positions in no order
  Layout layout = Layout::kDense;
  uint64_t seed = 1;
};
std::ostream& operator<<(std::ostream& out, const PackedSpec& spec);

/// The rows of all sequences in order, each with its heads.
struct PackedAnswer {
  std::vector<float> output, lse;
  bool operator==(const PackedAnswer&) const = default;
};
struct PackedGradients {
  std::vector<float> query, key, value, sinks, bias;
  bool operator==(const PackedGradients&) const = default;
};

class PackedCase {
 public:
  explicit PackedCase(const PackedSpec& spec);
  PackedCase(const PackedCase&) = delete;

  const PackedSpec& spec() const { return spec_; }
  int64_t count() const { return static_cast<int64_t>(spec_.lengths.size()); }
  /// Borrows this object.
  AttentionOptions options(Isa isa) const;
  PackedAttentionTensors inputs() const;

  /// By attention_varlen(); fails the test on an error or a write outside the outputs.
  PackedAnswer forward(Isa isa, Executor& executor = serial_executor()) const;
  PackedGradients backward(Isa isa, Executor& executor = serial_executor()) const;

  /// By attention() for each sequence alone. Without the gradients of sinks and bias.
  PackedAnswer forward_alone(Isa isa) const;
  PackedGradients backward_alone(Isa isa) const;

  /// By attention() on one batch with NaN in the padding of keys and values.
  PackedAnswer forward_padded(Isa isa) const;
  PackedGradients backward_padded(Isa isa) const;

  PaddedTensor<float> query, key, value, output_gradient;  // [1, heads, total, width]
  std::vector<int64_t> query_starts, key_starts;

 private:
  /// Sequences as the rows of a batch.
  struct Batch;
  Batch batch_alone(int64_t s) const;
  Batch batch_padded() const;
  PackedAnswer forward_of(const Batch& batch, Isa isa) const;
  PackedGradients backward_of(const Batch& batch, Isa isa) const;

  PackedSpec spec_;
  std::vector<int64_t> offsets_, kv_lengths_;
  PaddedTensor<bool> mask_;
  std::vector<int64_t> query_positions_, key_positions_;
  PaddedTensor<float> bias_, alibi_slopes_, sinks_, cos_, sin_;
};

/// Lengths around the widths of registers, tiles and blocks, with empty sequences and one that is long.
std::vector<SequenceLengths> awkward_lengths();

/// Every option but rope at once.
PackedSpec many_options(const std::vector<SequenceLengths>& lengths);

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_PACKED_CASE_H_
