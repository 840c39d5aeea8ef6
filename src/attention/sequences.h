// The sequences of a packed call, each as a problem of its own.
#ifndef ATTEND_ATTENTION_SEQUENCES_H_
#define ATTEND_ATTENTION_SEQUENCES_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "attend/varlen.h"
#include "attention/problem.h"
#include "attention/sizes.h"

namespace attend {

/// One sequence: where its rows begin, and its sizes, those of a batch of one.
struct Sequence {
  int64_t first_query, first_key;
  Sizes sizes;
};

/// All of a valid call.
class Sequences {
 public:
  template <class PackedTensors>
  explicit Sequences(const PackedTensors& t)
      : query_starts_(t.query_starts),
        key_starts_(t.key_starts),
        packed_(without_empty(sizes_of(t.query, t.key, t.value))) {}

  int64_t count() const { return static_cast<int64_t>(query_starts_.size()) - 1; }

  Sequence operator[](int64_t s) const {
    const auto at = static_cast<size_t>(s);
    Sequence one = {query_starts_[at], key_starts_[at], packed_};
    one.sizes.Tq = query_starts_[at + 1] - one.first_query;
    one.sizes.Tk = key_starts_[at + 1] - one.first_key;
    // Rows without heads are none, however many there are.
    if (packed_.Hq == 0) one.first_query = one.sizes.Tq = 0;
    if (packed_.Hkv == 0) one.first_key = one.sizes.Tk = 0;
    return one;
  }
  Sizes sizes(int64_t s) const { return (*this)[s].sizes; }

  /// The most queries, and the most keys, of any sequence.
  int64_t longest_queries() const { return longest(query_starts_); }
  int64_t longest_keys() const { return longest(key_starts_); }

 private:
  static int64_t longest(std::span<const int64_t> starts) {
    int64_t most = 0;
    for (size_t s = 1; s < starts.size(); ++s) most = std::max(most, starts[s] - starts[s - 1]);
    return most;
  }

  std::span<const int64_t> query_starts_, key_starts_;
  Sizes packed_;
};

/// Rows from `first` on, as every batch row.
template <class T>
void begin_at(int64_t first, TensorRows<T>& rows) {
  if (!rows.present()) return;
  rows.data += first * rows.step;
  rows.batch = 0;
}
template <class T>
void begin_at(int64_t first, MixedRows<T>& rows) {
  begin_at(first, static_cast<TensorRows<T>&>(rows));
  begin_at(first, rows.narrow);
}

/// The options with the positions of one sequence alone, which every batch row shares.
inline AttentionOptions options_of(const Sequence& sequence, AttentionOptions options) {
  const auto cut = [](std::span<const int64_t>& positions, int64_t first, int64_t count) {
    if (positions.empty()) return;
    positions = positions.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
  };
  cut(options.query_positions, sequence.first_query, sequence.sizes.Tq);
  cut(options.key_positions, sequence.first_key, sequence.sizes.Tk);
  return options;
}

/// The options' rules for one sequence: its lengths are what causal order and positions are measured with.
template <class Problem, class T>
void measure(Problem& p, const Sequence& sequence, const AttentionOptions& options) {
  p.sizes = sequence.sizes;
  p.mask = MaskPolicy(p.sizes, options);
  p.rule = ScorePolicy<T>(p.sizes, options);
  if (!options.rope.present()) return;
  const AttentionOptions own = options_of(sequence, options);
  p.query.rotation = query_rotation<T>(own, p.sizes);
  p.key.rotation = key_rotation<T>(own, p.sizes);
}

/// The problem of one sequence, given that of the packed operands. Every batch row has its rows; work that is
/// done as batch row s finds what the options say of sequence s.
template <class T>
ForwardProblem<T> problem_of(const Sequence& sequence, const AttentionOptions& options, ForwardProblem<T> p) {
  measure<ForwardProblem<T>, T>(p, sequence, options);
  begin_at(sequence.first_query, p.query);
  begin_at(sequence.first_query, p.output);
  begin_at(sequence.first_query, p.lse);
  begin_at(sequence.first_key, p.key);
  begin_at(sequence.first_key, p.value);
  return p;
}

template <class T>
BackwardProblem<T> problem_of(const Sequence& sequence, const AttentionOptions& options,
                              BackwardProblem<T> p) {
  measure<BackwardProblem<T>, T>(p, sequence, options);
  begin_at(sequence.first_query, p.query);
  begin_at(sequence.first_query, p.output);
  begin_at(sequence.first_query, p.lse);
  begin_at(sequence.first_query, p.output_gradient);
  begin_at(sequence.first_query, p.query_gradient);
  begin_at(sequence.first_key, p.key);
  begin_at(sequence.first_key, p.value);
  begin_at(sequence.first_key, p.key_gradient);
  begin_at(sequence.first_key, p.value_gradient);
  return p;
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_SEQUENCES_H_
