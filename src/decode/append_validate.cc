#include "decode/append_validate.h"

#include <algorithm>
#include <functional>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "attention/validate_rope.h"
#include "decode/kv_validate.h"
#include "decode/kv_view.h"

namespace attend {
namespace {

/// The tokens fit the cache and a batch of B rows.
Status check_tokens(const KvTokens& tokens, const CacheOperands& cache, int64_t B) {
  const Operand key = {"key", tokens.key, {"B", "Hkv", "T", "D"}},
                value = {"value", tokens.value, {"B", "Hkv", "T", "Dv"}};
  ATTEND_RETURN_IF_ERROR(check_type(key, Also::kNothing));
  ATTEND_RETURN_IF_ERROR(check_same_type(value, key));
  ATTEND_RETURN_IF_ERROR(check_same(key, {1, 3}, cache.key));
  ATTEND_RETURN_IF_ERROR(check_range(key, 2, 0, INT64_MAX));
  ATTEND_RETURN_IF_ERROR(check_same(value, {0, 1, 2}, key));
  ATTEND_RETURN_IF_ERROR(check_same(value, 3, cache.value));
  if (key.view.shape[0] != B) {
    return invalid(axis_is(key, 0) + ", but the cache is given " + std::to_string(B) + " sequences");
  }
  ATTEND_RETURN_IF_ERROR(check_memory(key));
  ATTEND_RETURN_IF_ERROR(check_memory(value));
  ATTEND_RETURN_IF_ERROR(check_rope(tokens.rope, key, DType::kFloat32));
  ATTEND_RETURN_IF_ERROR(
      check_given("key_positions", tokens.key_positions, tokens.rope, B, key.view.shape[2]));
  if (tokens.counts.empty()) return {};
  if (static_cast<int64_t>(tokens.counts.size()) != B) {
    return invalid("counts has " + std::to_string(tokens.counts.size()) + " numbers, but " + axis_is(key, 0));
  }
  for (int64_t b = 0; b < B; ++b) {
    const int64_t count = tokens.counts[static_cast<size_t>(b)];
    if (count >= 0 && count <= key.view.shape[2]) continue;
    return invalid("counts[" + std::to_string(b) + "] is " + std::to_string(count) +
                   ", but must be between 0 and key axis T, which is " + std::to_string(key.view.shape[2]));
  }
  return {};
}

/// Every key that is appended has a row in the tables.
Status check_places(const KvTokens& tokens, const KvView& cache) {
  if (!tokens.rope.present()) return {};
  for (int64_t b = 0; b < batch_of(cache); ++b) {
    for (int64_t t = 0; t < count_of(tokens, b); ++t) {
      ATTEND_RETURN_IF_ERROR(check_position(tokens.rope, "key", b, t, rope_position(tokens, cache, b, t)));
    }
  }
  return {};
}

/// What is written shares memory with nothing else.
Status check_overlaps(const KvTokens& tokens, const CacheOperands& o) {
  const Operand reads[] = {{"key", tokens.key, {}},
                           {"value", tokens.value, {}},
                           cos_of(tokens.rope),
                           sin_of(tokens.rope),
                           list_of("counts", tokens.counts),
                           list_of("key_positions", tokens.key_positions),
                           o.block_table,
                           o.lengths,
                           o.sequences};
  for (const Operand* written : {&o.key, &o.value, &o.key_scale, &o.value_scale}) {
    ATTEND_RETURN_IF_ERROR(check_written(*written));
    for (const Operand* other : {&o.key, &o.value, &o.key_scale, &o.value_scale}) {
      if (written < other) ATTEND_RETURN_IF_ERROR(check_apart(*written, *other));
    }
    for (const Operand& read : reads) ATTEND_RETURN_IF_ERROR(check_apart(*written, read));
  }
  return {};
}

Status check_room(const KvTokens& tokens, const KvView& cache, int64_t capacity) {
  for (int64_t b = 0; b < batch_of(cache); ++b) {
    const int64_t sequence = sequence_of(cache, b), length = length_of(cache, b), count = count_of(tokens, b);
    if (count > capacity - length) {
      return invalid("sequence " + std::to_string(sequence) + " holds " + std::to_string(length) +
                     " tokens and is given " + std::to_string(count) + " more, but its capacity is " +
                     std::to_string(capacity));
    }
  }
  return {};
}

/// No sequence is two batch rows.
Status check_distinct(std::span<const int32_t> sequences) {
  const auto first_not_above = std::ranges::adjacent_find(sequences, std::greater_equal());
  if (first_not_above == sequences.end()) return {};
  try {
    std::vector<size_t> rows(sequences.size());
    std::iota(rows.begin(), rows.end(), size_t{0});
    const auto sequence_of_row = [&](size_t row) { return sequences[row]; };
    std::ranges::stable_sort(rows, {}, sequence_of_row);
    const auto twice = std::ranges::adjacent_find(rows, {}, sequence_of_row);
    if (twice == rows.end()) return {};
    return invalid("sequence " + std::to_string(sequences[*twice]) + " is both batch row " +
                   std::to_string(*twice) + " and batch row " + std::to_string(twice[1]));
  } catch (const std::bad_alloc&) {
    return {StatusCode::kOutOfMemory, "not enough memory to compare the sequences"};
  }
}

}  // namespace

Status check_append(const KvTokens& tokens, const KvView& cache, int64_t capacity) {
  ATTEND_RETURN_IF_ERROR(check_cache(cache));
  const CacheOperands o(cache);
  ATTEND_RETURN_IF_ERROR(check_tokens(tokens, o, batch_of(cache)));
  ATTEND_RETURN_IF_ERROR(check_overlaps(tokens, o));
  ATTEND_RETURN_IF_ERROR(check_room(tokens, cache, capacity));
  ATTEND_RETURN_IF_ERROR(check_distinct(cache.sequences));
  return check_places(tokens, cache);
}

Status check_new_pages(const KvTokens& tokens, const KvView& cache) {
  for (int64_t b = 0; b < batch_of(cache); ++b) {
    const int64_t length = length_of(cache, b);
    ATTEND_RETURN_IF_ERROR(check_pages(cache, sequence_of(cache, b), length, length + count_of(tokens, b)));
  }
  return {};
}

}  // namespace attend
