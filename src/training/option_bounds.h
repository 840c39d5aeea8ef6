// Choices of training that are numbers, held against their bounds. Commands refuse what is out of the same
// bounds by the option's name.
#ifndef ATTEND_TRAINING_OPTION_BOUNDS_H_
#define ATTEND_TRAINING_OPTION_BOUNDS_H_

#include <fmt/format.h>

#include <type_traits>

#include "attend/status.h"
#include "base/bounds.h"

namespace attend {

/// Errors: kInvalidArgument, "OPTION is VALUE, not in [LEAST, MOST]".
template <class Number>
Status check_within(const char* option, Number value, Bounds<std::type_identity_t<Number>> bounds) {
  if (bounds.hold(value)) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, not in [{}, {}]", option, value, bounds.least, bounds.most)};
}

}  // namespace attend

#endif  // ATTEND_TRAINING_OPTION_BOUNDS_H_
