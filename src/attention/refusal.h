// The sentences in which calls are refused: they name the argument, the axis and both numbers.
#ifndef ATTEND_ATTENTION_REFUSAL_H_
#define ATTEND_ATTENTION_REFUSAL_H_

#include <string>
#include <utility>

#include "attend/executor.h"
#include "attend/status.h"

namespace attend {

inline Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

inline Status check_workers(const Executor& executor) {
  const int workers = executor.workers();
  if (workers >= 1) return {};
  return invalid("executor has " + std::to_string(workers) + " workers, but must have at least 1");
}

inline Status check_workers(int workers) {
  if (workers >= 1) return {};
  return invalid("workers is " + std::to_string(workers) + ", but must be at least 1");
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
