// The sentences in which calls are refused: they name the argument, the axis and both numbers.
#ifndef ATTEND_ATTENTION_REFUSAL_H_
#define ATTEND_ATTENTION_REFUSAL_H_

#include <string>
#include <utility>

#include "attend/status.h"

namespace attend {

inline Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

inline std::string axis_of(const std::string& operand, const std::string& axis) {
  return operand + " axis " + axis;
}

/// Which operand an axis is measured on.
inline const char* source_of(const std::string& axis) {
  if (axis == "Hkv" || axis == "Tk" || axis == "total_k") return "key";
  return axis == "Dv" ? "value" : "query";
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_REFUSAL_H_
