#include "training/average.h"

#include <vector>

#include "checkpoint/safetensors.h"

namespace attend {
namespace {

Status add_file(const std::string& path, const ParameterList<float>& parameters,
                std::vector<std::vector<double>>& sums) {
  Result<Safetensors> file = Safetensors::open(path);
  if (!file.ok()) return file.status();
  std::vector<float> values;
  for (size_t p = 0; p < parameters.size(); ++p) {
    values.resize(static_cast<size_t>(parameters[p]->size()));
    ATTEND_RETURN_IF_ERROR(file.value().read(parameters[p]->name(), parameters[p]->shape(), values));
    sums[p].resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) sums[p][i] += static_cast<double>(values[i]);
  }
  return {};
}

}  // namespace

Status average_parameters(std::span<const std::string> files, const ParameterList<float>& parameters) {
  if (files.empty()) return {StatusCode::kInvalidArgument, "no checkpoints to average"};
  std::vector<std::vector<double>> sums(parameters.size());
  for (const std::string& file : files) ATTEND_RETURN_IF_ERROR(add_file(file, parameters, sums));
  for (size_t p = 0; p < parameters.size(); ++p) {
    const std::span<float> values = parameters[p]->value().values();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(sums[p][i] / static_cast<double>(files.size()));
    }
  }
  return {};
}

}  // namespace attend
