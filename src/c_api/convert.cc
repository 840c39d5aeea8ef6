#include "c_api/convert.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "c_api/error.h"
#include "c_api/sized_struct.h"

namespace attend::c_api {
namespace {

// The numbers of the two enumerations are the same.
static_assert(ATTEND_FLOAT32 == static_cast<int>(DType::kFloat32));
static_assert(ATTEND_FLOAT64 == static_cast<int>(DType::kFloat64));
static_assert(ATTEND_BFLOAT16 == static_cast<int>(DType::kBFloat16));
static_assert(ATTEND_FLOAT16 == static_cast<int>(DType::kFloat16));
static_assert(ATTEND_INT8 == static_cast<int>(DType::kInt8));
static_assert(ATTEND_BOOL == static_cast<int>(DType::kBool));
static_assert(ATTEND_CAUSAL_NONE == static_cast<int>(Causal::kNone));
static_assert(ATTEND_CAUSAL_UPPER_LEFT == static_cast<int>(Causal::kUpperLeft));
static_assert(ATTEND_CAUSAL_LOWER_RIGHT == static_cast<int>(Causal::kLowerRight));
static_assert(ATTEND_CAUSAL_QUERY_OFFSET == static_cast<int>(Causal::kQueryOffset));

/// attend_view to TensorView, attend_mutable_view to MutableTensorView.
template <class From, class To>
Status convert_view(const From& from, const char* name, To& to) {
  if (from.dtype < ATTEND_FLOAT32 || from.dtype > ATTEND_BOOL) {
    return invalid(std::string(name) + " has dtype " + std::to_string(from.dtype) + ", but must be in 0..5");
  }
  to.data = from.data;
  to.dtype = static_cast<DType>(from.dtype);
  std::copy_n(from.shape, 4, to.shape.begin());
  std::copy_n(from.stride, 4, to.stride.begin());
  return {};
}

Status convert_isa(const char* word, std::optional<Isa>& isa) {
  if (word == nullptr) return {};
  isa = isa_from_name(word);
  if (isa) return {};
  return invalid("isa is \"" + std::string(word) + "\", which names no instruction set");
}

Status convert_numbers(const int64_t* numbers, size_t count, const std::string& name,
                       std::span<const int64_t>& to) {
  if (numbers == nullptr && count != 0) {
    return invalid(name + " is a null pointer, but " + name + "_count is " + std::to_string(count));
  }
  if (numbers != nullptr && count == 0) return invalid(name + " is set, but " + name + "_count is 0");
  to = {numbers, count};
  return {};
}

}  // namespace

Status convert(const attend_attention_tensors* from, AttentionTensors& to) {
  attend_attention_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_view(t.query, "query", to.query));
  ATTEND_RETURN_IF_ERROR(convert_view(t.key, "key", to.key));
  ATTEND_RETURN_IF_ERROR(convert_view(t.value, "value", to.value));
  ATTEND_RETURN_IF_ERROR(convert_view(t.output, "output", to.output));
  ATTEND_RETURN_IF_ERROR(convert_view(t.lse, "lse", to.lse));
  ATTEND_RETURN_IF_ERROR(convert_view(t.weights, "weights", to.weights));
  ATTEND_RETURN_IF_ERROR(convert_view(t.head_mean, "head_mean", to.head_mean));
  return convert_view(t.column_sums, "column_sums", to.column_sums);
}

Status convert(const attend_attention_gradient_tensors* from, AttentionGradientTensors& to) {
  attend_attention_gradient_tensors t;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "tensors", t));
  ATTEND_RETURN_IF_ERROR(convert_view(t.query, "query", to.query));
  ATTEND_RETURN_IF_ERROR(convert_view(t.key, "key", to.key));
  ATTEND_RETURN_IF_ERROR(convert_view(t.value, "value", to.value));
  ATTEND_RETURN_IF_ERROR(convert_view(t.output, "output", to.output));
  ATTEND_RETURN_IF_ERROR(convert_view(t.lse, "lse", to.lse));
  ATTEND_RETURN_IF_ERROR(convert_view(t.output_gradient, "output_gradient", to.output_gradient));
  ATTEND_RETURN_IF_ERROR(convert_view(t.query_gradient, "query_gradient", to.query_gradient));
  ATTEND_RETURN_IF_ERROR(convert_view(t.key_gradient, "key_gradient", to.key_gradient));
  ATTEND_RETURN_IF_ERROR(convert_view(t.value_gradient, "value_gradient", to.value_gradient));
  ATTEND_RETURN_IF_ERROR(convert_view(t.bias_gradient, "bias_gradient", to.bias_gradient));
  return convert_view(t.sinks_gradient, "sinks_gradient", to.sinks_gradient);
}

Status convert(const attend_attention_options* from, AttentionOptions& to) {
  if (from == nullptr) return {};
  attend_attention_options o;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "options", o));
  if (o.causal < ATTEND_CAUSAL_NONE || o.causal > ATTEND_CAUSAL_QUERY_OFFSET) {
    return invalid("causal is " + std::to_string(o.causal) + ", but must be in 0..3");
  }
  to.causal = static_cast<Causal>(o.causal);
  if (o.scale != nullptr) to.scale = *o.scale;
  ATTEND_RETURN_IF_ERROR(convert_isa(o.isa, to.isa));
  ATTEND_RETURN_IF_ERROR(
      convert_numbers(o.query_offset, o.query_offset_count, "query_offset", to.query_offset));
  if (o.window != nullptr) to.window = {o.window->left, o.window->right};
  ATTEND_RETURN_IF_ERROR(convert_numbers(o.kv_lengths, o.kv_lengths_count, "kv_lengths", to.kv_lengths));
  ATTEND_RETURN_IF_ERROR(convert_view(o.mask, "mask", to.mask));
  ATTEND_RETURN_IF_ERROR(convert_view(o.bias, "bias", to.bias));
  ATTEND_RETURN_IF_ERROR(convert_view(o.alibi_slopes, "alibi_slopes", to.alibi_slopes));
  to.softcap = o.softcap;
  to.dropout = o.dropout;
  to.seed = o.seed;
  return convert_view(o.sinks, "sinks", to.sinks);
}

}  // namespace attend::c_api
