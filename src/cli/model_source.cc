#include "cli/model_source.h"

#include "captioner/embedded_model.h"
#include "cli/command.h"
#include "hub/find_model.h"
#include "hub/hub_settings.h"

namespace attend {

namespace {

Status no_model() {
  return {StatusCode::kNotFound, "this program has no built-in model: name a model file with --model"};
}

}  // namespace

Result<std::string> model_path(const std::string& name_or_path) {
  return find_model(name_or_path, hub_cache_folder());
}

Result<Safetensors> open_model(const std::string& model) {
  if (!model.empty()) {
    const Result<std::string> path = model_path(model);
    return path.ok() ? Safetensors::open(path.value()) : path.status();
  }
  if (embedded_model().empty()) return no_model();
  return Safetensors::parse(embedded_model(), kBuiltInModel);
}

Result<Captioner> load_captioner(const std::string& model, Executor& executor, WeightPrecision precision) {
  if (!model.empty()) {
    const Result<std::string> path = model_path(model);
    return path.ok() ? Captioner::load(path.value(), executor, precision) : path.status();
  }
  if (embedded_model().empty()) return no_model();
  return Captioner::load(embedded_model(), kBuiltInModel, executor);
}

int fail_to_load(const std::string& command, const Status& status, WeightPrecision precision) {
  const bool asked_wrongly =
      precision != WeightPrecision::kAsStored && status.code() == StatusCode::kInvalidArgument;
  return asked_wrongly ? fail(command + ": --weights: " + status.message(), kUsageError)
                       : fail(status.message(), kSomeFailed);
}

}  // namespace attend
