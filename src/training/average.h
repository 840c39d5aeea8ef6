// The mean of several checkpoints of one run: a point in the middle of the valley that training walks along
// the sides of (Izmailov et al. 2018; for Transformers, Vaswani et al. 2017, section 6.1).
#ifndef ATTEND_TRAINING_AVERAGE_H_
#define ATTEND_TRAINING_AVERAGE_H_

#include <span>
#include <string>

#include "attend/status.h"
#include "nn/parameter.h"

namespace attend {

/// Sets every parameter to its mean over the files, summed in double in the order given. At least one file.
/// Errors: those of Safetensors; kInvalidArgument without files. On an error the parameters are as they were.
Status average_parameters(std::span<const std::string> files, const ParameterList<float>& parameters);

}  // namespace attend

#endif  // ATTEND_TRAINING_AVERAGE_H_
