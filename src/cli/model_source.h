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

/// The model file at `path`, or with an empty path the one inside the program. Errors: the file's; kNotFound
/// when the program was built without a model, saying what to do.
Result<Safetensors> open_model(const std::string& path);

/// The same, ready to caption. `executor` must outlive it.
Result<Captioner> load_captioner(const std::string& path, Executor& executor);

}  // namespace attend

#endif  // ATTEND_CLI_MODEL_SOURCE_H_
