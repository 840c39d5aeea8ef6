#include "c_api/convert.h"

#include "c_api/fields.h"
#include "c_api/sized_struct.h"

namespace attend::c_api {
namespace {

/// What the packed and the padded operands of a pass have in common, by the same names.
template <class From, class To>
Status convert_inputs(const From& t, To& to) {
  return convert_views({{t.query, "query", to.query}, {t.key, "key", to.key}, {t.value, "value", to.value}});
}

template <class From, class To>
Status convert_backward_inputs(const From& t, To& to) {
  ATTEND_RETURN_IF_ERROR(convert_inputs(t, to));
  return convert_views({{t.output, "output", to.output},
                        {t.lse, "lse", to.lse},
                        {t.output_gradient, "output_gradient", to.output_gradient}});
}

template <class From, class To>
Status convert_starts(const From& t, To& to) {
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(t.query_starts, t.query_starts_count, "query_starts", to.query_starts));
  return convert_numbers(t.key_starts, t.key_starts_count, "key_starts", to.key_starts);
}

}  // namespace

Status convert(const attend_attention_tensors* from, AttentionTensors& to) {
  attend_attention_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_inputs(t, to));
  return convert_views({{t.output, "output", to.output},
                        {t.lse, "lse", to.lse},
                        {t.weights, "weights", to.weights},
                        {t.head_mean, "head_mean", to.head_mean},
                        {t.column_sums, "column_sums", to.column_sums}});
}

Status convert(const attend_attention_gradient_tensors* from, AttentionGradientTensors& to) {
  attend_attention_gradient_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_backward_inputs(t, to));
  return convert_views({{t.query_gradient, "query_gradient", to.query_gradient},
                        {t.key_gradient, "key_gradient", to.key_gradient},
                        {t.value_gradient, "value_gradient", to.value_gradient},
                        {t.bias_gradient, "bias_gradient", to.bias_gradient},
                        {t.sinks_gradient, "sinks_gradient", to.sinks_gradient}});
}

Status convert(const attend_attention_options* from, AttentionOptions& to) {
  if (from == nullptr) return {};
  attend_attention_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  ATTEND_RETURN_IF_ERROR(convert_causal(o.causal, to.causal));
  if (o.scale != nullptr) to.scale = *o.scale;
  ATTEND_RETURN_IF_ERROR(convert_isa(o.isa, to.isa));
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.query_offset, o.query_offset_count, "query_offset", to.query_offset));
  if (o.window != nullptr) to.window = {o.window->left, o.window->right};
  ATTEND_RETURN_IF_ERROR(convert_numbers(o.kv_lengths, o.kv_lengths_count, "kv_lengths", to.kv_lengths));
  to.softcap = o.softcap;
  to.dropout = o.dropout;
  to.seed = o.seed;
  ATTEND_RETURN_IF_ERROR(convert_rope(o.rope, to.rope));
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.query_positions, o.query_positions_count, "query_positions", to.query_positions));
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.key_positions, o.key_positions_count, "key_positions", to.key_positions));
  return convert_views({{o.mask, "mask", to.mask},
                        {o.bias, "bias", to.bias},
                        {o.alibi_slopes, "alibi_slopes", to.alibi_slopes},
                        {o.sinks, "sinks", to.sinks}});
}

Status convert(const attend_packed_attention_tensors* from, PackedAttentionTensors& to) {
  attend_packed_attention_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_inputs(t, to));
  ATTEND_RETURN_IF_ERROR(convert_starts(t, to));
  return convert_views({{t.output, "output", to.output}, {t.lse, "lse", to.lse}});
}

Status convert(const attend_packed_attention_gradient_tensors* from, PackedAttentionGradientTensors& to) {
  attend_packed_attention_gradient_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_backward_inputs(t, to));
  ATTEND_RETURN_IF_ERROR(convert_starts(t, to));
  return convert_views({{t.query_gradient, "query_gradient", to.query_gradient},
                        {t.key_gradient, "key_gradient", to.key_gradient},
                        {t.value_gradient, "value_gradient", to.value_gradient},
                        {t.sinks_gradient, "sinks_gradient", to.sinks_gradient},
                        {t.bias_gradient, "bias_gradient", to.bias_gradient}});
}

}  // namespace attend::c_api
