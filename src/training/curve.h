// A training run as a picture.
#ifndef ATTEND_TRAINING_CURVE_H_
#define ATTEND_TRAINING_CURVE_H_

#include <span>
#include <string>

#include "training/training_log.h"

namespace attend {

/// An SVG drawing: above, the loss of the training steps; below, under `title`, the score of each validation
/// set; both over steps.
std::string draw_curve(std::span<const LogRow> rows, const std::string& title);

}  // namespace attend

#endif  // ATTEND_TRAINING_CURVE_H_
