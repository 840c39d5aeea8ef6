#include <algorithm>

#include "c_api/convert.h"
#include "c_api/fields.h"
#include "c_api/sized_struct.h"

namespace attend::c_api {
namespace {

/// attend_kv_view to KvView, attend_mutable_kv_view to MutableKvView.
template <class From, class To>
Status convert_cache(const From* from, To& to) {
  From c;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "cache", c));
  ATTEND_RETURN_IF_ERROR(convert_views({{c.key, "cache key", to.key},
                                        {c.value, "cache value", to.value},
                                        {c.key_scale, "cache key_scale", to.key_scale},
                                        {c.value_scale, "cache value_scale", to.value_scale}}));
  ATTEND_RETURN_IF_ERROR(convert_numbers(c.block_table, c.block_table_count, "block_table", to.block_table));
  to.pages_per_sequence = c.pages_per_sequence == 0 ? 1 : c.pages_per_sequence;
  ATTEND_RETURN_IF_ERROR(convert_numbers(c.lengths, c.lengths_count, "lengths", to.lengths));
  return convert_numbers(c.sequences, c.sequences_count, "sequences", to.sequences);
}

attend_view to_c(const TensorView& view) {
  attend_view c = {.data = view.data, .dtype = static_cast<int32_t>(view.dtype), .shape = {}, .stride = {}};
  std::copy_n(view.shape.begin(), 4, c.shape);
  std::copy_n(view.stride.begin(), 4, c.stride);
  return c;
}

}  // namespace

Status convert(const attend_decode_tensors* from, DecodeTensors& to) {
  attend_decode_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_cache(t.cache, to.cache));
  ATTEND_RETURN_IF_ERROR(convert_views({{t.query, "query", to.query}}));
  return convert_views({{t.output, "output", to.output}, {t.lse, "lse", to.lse}});
}

Status convert(const attend_decode_options* from, DecodeOptions& to) {
  if (from == nullptr) return {};
  attend_decode_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  if (o.causal != nullptr) ATTEND_RETURN_IF_ERROR(convert_causal(*o.causal, to.causal));
  if (o.scale != nullptr) to.scale = *o.scale;
  ATTEND_RETURN_IF_ERROR(convert_isa(o.isa, to.isa));
  if (o.window != nullptr) to.window = {o.window->left, o.window->right};
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.query_counts, o.query_counts_count, "query_counts", to.query_counts));
  to.softcap = o.softcap;
  ATTEND_RETURN_IF_ERROR(convert_rope(o.rope, to.rope));
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.query_positions, o.query_positions_count, "query_positions", to.query_positions));
  return convert_views({{o.alibi_slopes, "alibi_slopes", to.alibi_slopes}, {o.sinks, "sinks", to.sinks}});
}

Status convert(const attend_merge_tensors* from, MergeTensors& to) {
  attend_merge_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_views({{t.first_output, "first output", to.first.output},
                                        {t.first_lse, "first lse", to.first.lse},
                                        {t.second_output, "second output", to.second.output},
                                        {t.second_lse, "second lse", to.second.lse}}));
  return convert_views({{t.output, "output", to.output}, {t.lse, "lse", to.lse}});
}

Status convert(const attend_mutable_kv_view* from, MutableKvView& to) {
  return convert_cache(from, to);
}

Status convert(const attend_kv_tokens* from, KvTokens& to) {
  attend_kv_tokens t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tokens", t));
  ATTEND_RETURN_IF_ERROR(convert_views({{t.key, "key", to.key}, {t.value, "value", to.value}}));
  ATTEND_RETURN_IF_ERROR(convert_numbers(t.counts, t.counts_count, "counts", to.counts));
  ATTEND_RETURN_IF_ERROR(convert_rope(t.rope, to.rope));
  return convert_numbers(t.key_positions, t.key_positions_count, "key_positions", to.key_positions);
}

Status convert(const attend_kv_cache_options* from, KvCacheOptions& to) {
  attend_kv_cache_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  ATTEND_RETURN_IF_ERROR(convert_dtype(o.dtype, "cache", to.dtype));
  to.sequences = o.sequences == 0 ? 1 : o.sequences;
  to.capacity = o.capacity;
  to.kv_heads = o.kv_heads;
  to.key_width = o.key_width;
  to.value_width = o.value_width;
  to.page_size = o.page_size;
  to.pages = o.pages;
  return {};
}

attend_kv_view to_c(const KvView& view) {
  return {.size = sizeof(attend_kv_view),
          .key = to_c(view.key),
          .value = to_c(view.value),
          .key_scale = to_c(view.key_scale),
          .value_scale = to_c(view.value_scale),
          .block_table = view.block_table.data(),
          .block_table_count = view.block_table.size(),
          .pages_per_sequence = view.pages_per_sequence,
          .lengths = view.lengths.data(),
          .lengths_count = view.lengths.size(),
          .sequences = view.sequences.empty() ? nullptr : view.sequences.data(),
          .sequences_count = view.sequences.size()};
}

}  // namespace attend::c_api
