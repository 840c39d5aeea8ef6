#include "c_api/fields.h"

#include <algorithm>

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
static_assert(ATTEND_ROPE_HALF_SPLIT == static_cast<int>(RopeLayout::kHalfSplit));
static_assert(ATTEND_ROPE_INTERLEAVED == static_cast<int>(RopeLayout::kInterleaved));

template <class Field>
Status convert_all(std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    ATTEND_RETURN_IF_ERROR(convert_dtype(field.from.dtype, field.name, field.to.dtype));
    field.to.data = field.from.data;
    std::copy_n(field.from.shape, 4, field.to.shape.begin());
    std::copy_n(field.from.stride, 4, field.to.stride.begin());
  }
  return {};
}

}  // namespace

Status convert_views(std::initializer_list<ReadField> fields) {
  return convert_all(fields);
}
Status convert_views(std::initializer_list<WrittenField> fields) {
  return convert_all(fields);
}

Status convert_dtype(int32_t from, const char* name, DType& to) {
  if (from < ATTEND_FLOAT32 || from > ATTEND_BOOL) {
    return invalid(std::string(name) + " has dtype " + std::to_string(from) + ", but must be in 0..5");
  }
  to = static_cast<DType>(from);
  return {};
}

Status convert_causal(int32_t from, Causal& to) {
  if (from < ATTEND_CAUSAL_NONE || from > ATTEND_CAUSAL_QUERY_OFFSET) {
    return invalid("causal is " + std::to_string(from) + ", but must be in 0..3");
  }
  to = static_cast<Causal>(from);
  return {};
}

Status convert_rope(const attend_rotation& from, Rope& to) {
  if (from.layout < ATTEND_ROPE_HALF_SPLIT || from.layout > ATTEND_ROPE_INTERLEAVED) {
    return invalid("rope.layout is " + std::to_string(from.layout) + ", but must be in 0..1");
  }
  ATTEND_RETURN_IF_ERROR(convert_views({{from.cos, "rope.cos", to.cos}, {from.sin, "rope.sin", to.sin}}));
  to.layout = static_cast<RopeLayout>(from.layout);
  if (to.present() || from.layout == ATTEND_ROPE_HALF_SPLIT) return {};
  return invalid("rope.layout is " + std::to_string(from.layout) + ", but rope.cos is a null pointer");
}

Status convert_isa(const char* word, std::optional<Isa>& isa) {
  if (word == nullptr) return {};
  isa = isa_from_name(word);
  if (isa) return {};
  return invalid("isa is \"" + std::string(word) + "\", which names no instruction set");
}

}  // namespace attend::c_api
