#include "cli/model_source.h"

#include "captioner/embedded_model.h"

namespace attend {

namespace {

Status no_model() {
  return {StatusCode::kNotFound, "this program has no built-in model: name a model file with --model"};
}

}  // namespace

Result<Safetensors> open_model(const std::string& path) {
  if (!path.empty()) return Safetensors::open(path);
  if (embedded_model().empty()) return no_model();
  return Safetensors::parse(embedded_model(), kBuiltInModel);
}

Result<Captioner> load_captioner(const std::string& path, Executor& executor) {
  if (!path.empty()) return Captioner::load(path, executor);
  if (embedded_model().empty()) return no_model();
  return Captioner::load(embedded_model(), kBuiltInModel, executor);
}

}  // namespace attend
