#include "attention/varlen_validate.h"

#include <cstdint>
#include <string>

#include "attention/refusal.h"
#include "attention/sequences.h"
#include "attention/validate.h"
#include "attention/validate_rope.h"

namespace attend {
namespace {

std::string entry(const char* list, size_t index, std::span<const int64_t> numbers) {
  return std::string(list) + "[" + std::to_string(index) + "] is " + std::to_string(numbers[index]);
}

/// From 0 to the end of the axis, never decreasing.
Status check_starts(const char* name, std::span<const int64_t> starts, const char* axis, int64_t total) {
  if (starts.empty()) {
    return invalid(std::string(name) + " is empty, but must have one number more than there are sequences");
  }
  if (starts.front() != 0) return invalid(entry(name, 0, starts) + ", but must be 0");
  for (size_t s = 1; s < starts.size(); ++s) {
    if (starts[s] >= starts[s - 1]) continue;
    return invalid(entry(name, s, starts) + ", but must be at least " + name + "[" + std::to_string(s - 1) +
                   "], which is " + std::to_string(starts[s - 1]));
  }
  if (starts.back() == total) return {};
  return invalid(entry(name, starts.size() - 1, starts) + ", but must be " + axis + ", which is " +
                 std::to_string(total));
}

template <class PackedTensors>
Status check_sequences(const PackedTensors& t, const StartsNames& names) {
  if (t.query.shape[0] != 1) {
    return invalid("query axis B is " + std::to_string(t.query.shape[0]) +
                   ", but must be 1: packed sequences share one batch row");
  }
  ATTEND_RETURN_IF_ERROR(check_starts(names.queries, t.query_starts, "query axis total_q", t.query.shape[2]));
  ATTEND_RETURN_IF_ERROR(check_starts(names.keys, t.key_starts, "key axis total_k", t.key.shape[2]));
  if (t.key_starts.size() == t.query_starts.size()) return {};
  return invalid(std::string(names.keys) + " has " + std::to_string(t.key_starts.size()) + " numbers, but " +
                 names.queries + " has " + std::to_string(t.query_starts.size()));
}

template <class PackedTensors>
CallAxes axes_of(const PackedTensors& t, const StartsNames& names) {
  const Sequences sequences(t);
  return {
      .queries = "total_q",
      .keys = "total_k",
      .scores = {.size = {sequences.count(), t.query.shape[1], sequences.longest_queries(),
                          sequences.longest_keys()},
                 .source = {"the number of sequences", "query axis Hq", "the longest Tq", "the longest Tk"},
                 .key_starts = t.key_starts},
      .query_starts = t.query_starts,
      .query_starts_name = names.queries,
      .key_starts_name = names.keys};
}

/// Every query and key of each sequence has a row in rope's tables.
template <class PackedTensors>
Status check_sequences_places(const PackedTensors& t, const AttentionOptions& options) {
  if (!options.rope.present()) return {};
  const Sequences sequences(t);
  for (int64_t s = 0; s < sequences.count(); ++s) {
    const Sequence sequence = sequences[s];
    ATTEND_RETURN_IF_ERROR(check_places(sequence.sizes, options_of(sequence, options), s));
  }
  return {};
}

}  // namespace

Status validate(const PackedAttentionTensors& t, const AttentionOptions& options, const StartsNames& names) {
  ATTEND_RETURN_IF_ERROR(check_sequences(t, names));
  ATTEND_RETURN_IF_ERROR(
      validate(AttentionTensors{t.query, t.key, t.value, t.output, t.lse, {}}, options, axes_of(t, names)));
  return check_sequences_places(t, options);
}

Status validate(const PackedAttentionGradientTensors& t, const AttentionOptions& options,
                const StartsNames& names) {
  ATTEND_RETURN_IF_ERROR(check_sequences(t, names));
  const AttentionGradientTensors tensors{
      t.query,          t.key,          t.value,          t.output,        t.lse,           t.output_gradient,
      t.query_gradient, t.key_gradient, t.value_gradient, t.bias_gradient, t.sinks_gradient};
  ATTEND_RETURN_IF_ERROR(validate(tensors, options, axes_of(t, names)));
  return check_sequences_places(t, options);
}

}  // namespace attend
