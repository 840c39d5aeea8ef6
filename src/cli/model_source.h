// Where the commands get their model from.
#ifndef ATTEND_CLI_MODEL_SOURCE_H_
#define ATTEND_CLI_MODEL_SOURCE_H_

#include <string>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "attend/status.h"
#include "checkpoint/safetensors.h"

namespace attend {

/// How messages call the model inside the program.
inline constexpr const char* kBuiltInModel = "built-in model";

/// Where the model that --model names is: a file, a folder, or a model that a pull has brought ("blip-base",
/// "OWNER/REPO"). Errors: find_model's.
Result<std::string> model_path(const std::string& name_or_path);

/// The model file that `model` names, which is no folder, or with an empty name the one inside the program.
/// Errors: model_path's and the file's; kNotFound when the program was built without a model, saying what to
/// do.
Result<Safetensors> open_model(const std::string& model);

/// A captioner: of the model file or the checkpoint that `model` names, or of the model inside the program,
/// whose weights are as they are. `executor` must outlive it.
Result<Captioner> load_captioner(const std::string& model, Executor& executor,
                                 WeightPrecision precision = WeightPrecision::kAsStored);

/// Says on standard error why that failed, and returns the exit code: kUsageError where the model is one
/// whose weights are not rounded.
int fail_to_load(const std::string& command, const Status& status, WeightPrecision precision);

}  // namespace attend

#endif  // ATTEND_CLI_MODEL_SOURCE_H_
