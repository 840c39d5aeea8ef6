#include "decode/decode_validate.h"

#include <string>

#include "attention/dtypes.h"
#include "attention/operand.h"
#include "attention/validate_options.h"
#include "attention/validate_rope.h"
#include "decode/decode_mask.h"
#include "decode/kv_validate.h"
#include "decode/kv_view.h"

namespace attend {
namespace {

Status check_query(const Operand& query, const CacheOperands& cache, int64_t B) {
  ATTEND_RETURN_IF_ERROR(check_type(query, Also::kNothing));
  ATTEND_RETURN_IF_ERROR(check_range(query, 1, 0, INT32_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(query, 2, 0, INT32_MAX));
  ATTEND_RETURN_IF_ERROR(check_same(query, 3, cache.key));
  if (query.view.shape[0] != B) {
    return invalid(axis_is(query, 0) + ", but the cache is given " + std::to_string(B) + " sequences");
  }
  if (query.view.shape[1] % cache.key.view.shape[1] != 0) {
    return invalid(axis_is(query, 1) + ", but must be a multiple of cache key axis Hkv, which is " +
                   std::to_string(cache.key.view.shape[1]));
  }
  return check_memory(query);
}

Status check_outputs(const Operand& output, const Operand& lse, const Operand& query,
                     const CacheOperands& cache, const DecodeOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_same_type(output, query));
  ATTEND_RETURN_IF_ERROR(check_same(output, {0, 1, 2}, query));
  ATTEND_RETURN_IF_ERROR(check_same(output, 3, cache.value));
  ATTEND_RETURN_IF_ERROR(check_memory(output));
  ATTEND_RETURN_IF_ERROR(check_written(output));
  if (is_given(lse.view)) {
    ATTEND_RETURN_IF_ERROR(check_type(lse, DType::kFloat32));
    ATTEND_RETURN_IF_ERROR(check_same(lse, {0, 1, 2}, query));
    ATTEND_RETURN_IF_ERROR(check_size(lse, 3, 1));
    ATTEND_RETURN_IF_ERROR(check_memory(lse));
    ATTEND_RETURN_IF_ERROR(check_written(lse));
    ATTEND_RETURN_IF_ERROR(check_apart(output, lse));
  }
  const Operand slopes = {"alibi_slopes", options.alibi_slopes, {}}, sinks = {"sinks", options.sinks, {}},
                cos = cos_of(options.rope), sin = sin_of(options.rope),
                counts = list_of("query_counts", options.query_counts),
                positions = list_of("query_positions", options.query_positions);
  for (const Operand* written : {&output, &lse}) {
    for (const Operand* read :
         {&query, &cache.key, &cache.value, &cache.key_scale, &cache.value_scale, &cache.block_table,
          &cache.lengths, &cache.sequences, &slopes, &sinks, &cos, &sin, &counts, &positions}) {
      ATTEND_RETURN_IF_ERROR(check_apart(*written, *read));
    }
  }
  return {};
}

Status check_counts(std::span<const int64_t> counts, const Operand& query) {
  if (counts.empty()) return {};
  if (static_cast<int64_t>(counts.size()) != query.view.shape[0]) {
    return invalid("query_counts has " + std::to_string(counts.size()) + " numbers, but " +
                   axis_is(query, 0));
  }
  for (size_t b = 0; b < counts.size(); ++b) {
    if (counts[b] >= 0 && counts[b] <= query.view.shape[2]) continue;
    return invalid("query_counts[" + std::to_string(b) + "] is " + std::to_string(counts[b]) +
                   ", but must be between 0 and query axis Tq, which is " +
                   std::to_string(query.view.shape[2]));
  }
  return {};
}

Status check_options(const DecodeOptions& options, const Operand& query) {
  if (options.causal != Causal::kNone && options.causal != Causal::kUpperLeft &&
      options.causal != Causal::kLowerRight) {
    return invalid(
        "causal must be none, upper_left or lower_right: a cache's lengths say where queries stand");
  }
  ATTEND_RETURN_IF_ERROR(check_scale(options.scale));
  ATTEND_RETURN_IF_ERROR(check_softcap(options.softcap));
  ATTEND_RETURN_IF_ERROR(check_window(options.window));
  ATTEND_RETURN_IF_ERROR(check_counts(options.query_counts, query));
  const ScoreAxes axes = {.size = query.view.shape};
  ATTEND_RETURN_IF_ERROR(check_alibi_slopes(options.alibi_slopes, axes, DType::kFloat32));
  ATTEND_RETURN_IF_ERROR(check_sinks(options.sinks, axes, DType::kFloat32));
  ATTEND_RETURN_IF_ERROR(check_rope(options.rope, query, DType::kFloat32));
  ATTEND_RETURN_IF_ERROR(check_given("query_positions", options.query_positions, options.rope,
                                     query.view.shape[0], query.view.shape[2]));
  return check_isa(options.isa, options.scale, options.softcap);
}

/// Every query that counts has a row in the tables.
Status check_places(const DecodeTensors& tensors, const DecodeOptions& options) {
  if (!options.rope.present()) return {};
  for (int64_t b = 0; b < tensors.query.shape[0]; ++b) {
    const DecodeMask mask(tensors, options, b);
    for (int64_t i = 0; i < mask.queries(); ++i) {
      ATTEND_RETURN_IF_ERROR(check_position(options.rope, "query", b, i, mask.rope_position(i)));
    }
  }
  return {};
}

/// The block table's entries that the call would read.
Status check_read_pages(const DecodeTensors& tensors, const DecodeOptions& options) {
  for (int64_t b = 0; b < tensors.query.shape[0]; ++b) {
    const DecodeMask mask(tensors, options, b);
    if (mask.queries() == 0) continue;
    const Range keys = mask.keys(0, mask.queries());
    ATTEND_RETURN_IF_ERROR(check_pages(tensors.cache, sequence_of(tensors.cache, b), keys.begin, keys.end));
  }
  return {};
}

Status check_part(const Operand& output, const Operand& lse, const Operand& merged) {
  ATTEND_RETURN_IF_ERROR(check_same_type(output, merged));
  ATTEND_RETURN_IF_ERROR(check_same(output, {0, 1, 2, 3}, merged));
  ATTEND_RETURN_IF_ERROR(check_memory(output));
  ATTEND_RETURN_IF_ERROR(check_type(lse, sum_type(merged.view.dtype)));
  ATTEND_RETURN_IF_ERROR(check_same(lse, {0, 1, 2}, merged));
  ATTEND_RETURN_IF_ERROR(check_size(lse, 3, 1));
  return check_memory(lse);
}

}  // namespace

Status validate(const DecodeTensors& t, const DecodeOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_cache(t.cache));
  const CacheOperands cache(t.cache);
  const Operand query = {"query", t.query, {"B", "Hq", "Tq", "D"}},
                output = {"output", t.output, {"B", "Hq", "Tq", "Dv"}},
                lse = {"lse", t.lse, {"B", "Hq", "Tq", "3"}};
  ATTEND_RETURN_IF_ERROR(check_query(query, cache, batch_of(t.cache)));
  ATTEND_RETURN_IF_ERROR(check_options(options, query));
  ATTEND_RETURN_IF_ERROR(check_outputs(output, lse, query, cache, options));
  ATTEND_RETURN_IF_ERROR(check_places(t, options));
  return check_read_pages(t, options);
}

Status validate(const MergeTensors& t) {
  const Operand output = {"output", t.output, {"B", "H", "T", "Dv"}},
                lse = {"lse", t.lse, {"B", "H", "T", "3"}};
  ATTEND_RETURN_IF_ERROR(check_type(output, Also::kFloat64));
  for (size_t axis = 0; axis < 4; ++axis) ATTEND_RETURN_IF_ERROR(check_range(output, axis, 0, INT64_MAX));
  const Operand read[] = {{"first output", t.first.output, output.axes},
                          {"first lse", t.first.lse, lse.axes},
                          {"second output", t.second.output, output.axes},
                          {"second lse", t.second.lse, lse.axes}};
  ATTEND_RETURN_IF_ERROR(check_memory(output));
  ATTEND_RETURN_IF_ERROR(check_written(output));
  ATTEND_RETURN_IF_ERROR(check_part(read[0], read[1], output));
  ATTEND_RETURN_IF_ERROR(check_part(read[2], read[3], output));
  if (is_given(t.lse)) {
    ATTEND_RETURN_IF_ERROR(check_same(lse, {0, 1, 2, 3}, read[1]));
    ATTEND_RETURN_IF_ERROR(check_same_type(lse, read[1]));
    ATTEND_RETURN_IF_ERROR(check_memory(lse));
    ATTEND_RETURN_IF_ERROR(check_written(lse));
    ATTEND_RETURN_IF_ERROR(check_apart(output, lse));
  }
  for (const Operand& operand : read) {
    if (!same_tensor(output.view, operand.view)) ATTEND_RETURN_IF_ERROR(check_apart(output, operand));
    if (!same_tensor(lse.view, operand.view)) ATTEND_RETURN_IF_ERROR(check_apart(lse, operand));
  }
  return {};
}

}  // namespace attend
