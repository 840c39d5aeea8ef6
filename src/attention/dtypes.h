// What kernels and messages ask about the types of operands.
#ifndef ATTEND_ATTENTION_DTYPES_H_
#define ATTEND_ATTENTION_DTYPES_H_

#include "attend/tensor.h"

namespace attend {

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

constexpr bool has_sixteen_bits(DType dtype) {
  return dtype == DType::kBFloat16 || dtype == DType::kFloat16;
}

/// The type of sums, and of the tensors among the options, in a call on queries of a type.
inline DType sum_type(DType query) {
  return query == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_DTYPES_H_
