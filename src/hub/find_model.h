// From what a person calls a model to where it is on this machine.
#ifndef ATTEND_HUB_FIND_MODEL_H_
#define ATTEND_HUB_FIND_MODEL_H_

#include <string>

#include "attend/status.h"

namespace attend {

/// The path of the model that --model names.
///
/// What exists under that path, a file or a folder, is meant first. After that the name of a model on the hub
/// ("blip-base", "OWNER/REPO", either with "@REVISION") gives its folder in `cache`, if a pull has brought
/// all of it. Anything that cannot be such a name is returned as it is, for whoever opens it to say that it
/// is not there. Errors: kNotFound, with the command that brings the model, or with the names that were
/// nearly typed.
Result<std::string> find_model(const std::string& name_or_path, const std::string& cache);

}  // namespace attend

#endif  // ATTEND_HUB_FIND_MODEL_H_
