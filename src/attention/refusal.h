// The sentences in which calls are refused: they name the argument, the axis and both numbers.
#ifndef ATTEND_ATTENTION_REFUSAL_H_
#define ATTEND_ATTENTION_REFUSAL_H_

#include <algorithm>
#include <string>
#include <utility>

#include "attend/status.h"
#include "attend/tensor.h"

namespace attend {

inline Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

inline const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kFloat16:
      return "float16";
    case DType::kInt8:
      return "int8";
    case DType::kBool:
      return "bool";
  }
  return "unknown";
}

inline std::string axis_of(const std::string& operand, const std::string& axis) {
  return operand + " axis " + axis;
}

/// Which operand an axis is measured on.
inline const char* source_of(const std::string& axis) {
  if (axis == "Hkv" || axis == "Tk" || axis == "total_k") return "key";
  return axis == "Dv" ? "value" : "query";
}

constexpr bool has_sixteen_bits(DType dtype) {
  return dtype == DType::kBFloat16 || dtype == DType::kFloat16;
}

/// The type of sums, and of the tensors among the options, in a call on queries of a type.
inline DType sum_type(DType query) {
  return query == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

inline bool has_elements(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; });
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_REFUSAL_H_
