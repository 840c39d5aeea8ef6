// What may be chosen of learning, whatever is learned.
#ifndef ATTEND_TRAINING_LEARNING_OPTIONS_H_
#define ATTEND_TRAINING_LEARNING_OPTIONS_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "attend/status.h"
#include "base/bounds.h"
#include "nn/pass.h"
#include "training/adamw.h"
#include "training/run_options.h"

namespace attend {

struct LearningOptions : RunOptions {
  static constexpr Bounds<double> kRate{0, 1}, kLabelSmoothing{0, 0.9};
  static constexpr Bounds<int64_t> kWarmup{0, 1'000'000'000};

  double rate = 4e-4;    // the highest learning rate, reached after the warm-up
  int64_t warmup = 300;  // steps
  double label_smoothing = 0.1;
  AdamWOptions adamw;
  Precision precision = Precision::kFloat32;  // of the steps' matrix products
};

/// Errors: kInvalidArgument naming the option, its value and its range; kUnsupported for a precision that
/// this processor does not multiply in.
Status check(const LearningOptions& learning);

/// As recipes record it, from the learning rate to how many epochs are averaged. What else a recipe records
/// of these options has its own place in each.
nlohmann::ordered_json learning_json(const LearningOptions& learning);

/// As recipes record it.
const char* name_of(Precision precision);

}  // namespace attend

#endif  // ATTEND_TRAINING_LEARNING_OPTIONS_H_
