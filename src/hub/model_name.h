// What a person calls a model on the Hugging Face hub: "blip-base", "OWNER/REPO", either with "@REVISION".
#ifndef ATTEND_HUB_MODEL_NAME_H_
#define ATTEND_HUB_MODEL_NAME_H_

#include <string>
#include <string_view>

#include "attend/status.h"

namespace attend {

struct ModelName {
  std::string asked;              // as it was typed: messages tell the command to type next
  std::string repository;         // OWNER/REPO
  std::string revision = "main";  // a branch, a tag, a pull request ("refs/pr/4") or a commit
};

/// Errors: kNotFound for a short name that nobody knows, with those that are near; kInvalidArgument for an
/// OWNER/REPO or a revision that the hub cannot have.
Result<ModelName> parse_model_name(const std::string& text);

/// 40 hexadecimal digits.
bool is_commit(std::string_view revision);

}  // namespace attend

#endif  // ATTEND_HUB_MODEL_NAME_H_
