#include "training/learning_options.h"

#include <nlohmann/json.hpp>

#include "nn/gemm.h"
#include "training/option_bounds.h"

namespace attend {
namespace {

Status check(Precision precision) {
  if (precision == Precision::kFloat32 || has_bfloat16_products()) return {};
  return {StatusCode::kUnsupported, "precision is bfloat16, which this processor does not multiply"};
}

}  // namespace

Status check(const LearningOptions& learning) {
  ATTEND_RETURN_IF_ERROR(check_within("epochs", learning.epochs, learning.kEpochs));
  ATTEND_RETURN_IF_ERROR(check_within("learning rate", learning.rate, learning.kRate));
  ATTEND_RETURN_IF_ERROR(check_within("warm-up", learning.warmup, learning.kWarmup));
  ATTEND_RETURN_IF_ERROR(check_within("label smoothing", learning.label_smoothing, learning.kLabelSmoothing));
  ATTEND_RETURN_IF_ERROR(check(learning.adamw));
  ATTEND_RETURN_IF_ERROR(check_within("patience", learning.patience, learning.kPatience));
  ATTEND_RETURN_IF_ERROR(check_within("average", learning.average, learning.kAverage));
  return check(learning.precision);
}

nlohmann::ordered_json learning_json(const LearningOptions& learning) {
  return {{"learning_rate", learning.rate},
          {"warmup_steps", learning.warmup},
          {"label_smoothing", learning.label_smoothing},
          {"beta1", learning.adamw.beta1},
          {"beta2", learning.adamw.beta2},
          {"epsilon", learning.adamw.epsilon},
          {"weight_decay", learning.adamw.weight_decay},
          {"clip", learning.adamw.clip},
          {"seed", learning.seed},
          {"patience", learning.patience},
          {"average", learning.average}};
}

const char* name_of(Precision precision) {
  return precision == Precision::kBFloat16 ? "bfloat16" : "float32";
}

}  // namespace attend
