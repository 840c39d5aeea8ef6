#include "training/training_state.h"

#include <charconv>
#include <cmath>
#include <map>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "checkpoint/safetensors.h"
#include "training/recorded_recipe.h"

namespace attend {
namespace {

constexpr char kFirst[] = "optimiser.first.";
constexpr char kSecond[] = "optimiser.second.";

using Metadata = std::map<std::string, std::string>;

/// Every bit of the number, in text.
std::string exact(double x) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::hex).ptr;
  return {text, end};
}

template <class T>
Status parse(const Safetensors& file, const std::string& key, T& number) {
  Result<std::string> text = file.metadata_value(key);
  if (!text.ok()) return text.status();
  const char* end = text.value().data() + text.value().size();
  std::from_chars_result result{};
  if constexpr (std::is_floating_point_v<T>) {
    result = std::from_chars(text.value().data(), end, number, std::chars_format::hex);
  } else {
    result = std::from_chars(text.value().data(), end, number);
  }
  if (result.ec == std::errc() && result.ptr == end) return {};
  return {StatusCode::kCorrupt, file.name() + ": metadata " + key + " is not a number"};
}

std::string serialise(const std::vector<EpochScore>& scores) {
  std::string text;
  for (const EpochScore& score : scores) text += std::to_string(score.epoch) + " " + exact(score.score) + " ";
  return text;
}

Status parse_scores(const Safetensors& file, std::vector<EpochScore>& scores) {
  Result<std::string> text = file.metadata_value("best");
  if (!text.ok()) return text.status();
  std::istringstream words(text.value());
  for (std::string epoch, score; words >> epoch;) {
    EpochScore entry;
    if (!(words >> score)) score.clear();
    const auto a = std::from_chars(epoch.data(), epoch.data() + epoch.size(), entry.epoch);
    const auto b =
        std::from_chars(score.data(), score.data() + score.size(), entry.score, std::chars_format::hex);
    if (a.ec != std::errc() || b.ec != std::errc() || !std::isfinite(entry.score)) {
      return {StatusCode::kCorrupt, file.name() + ": metadata best is not a list of epochs and scores"};
    }
    scores.push_back(entry);
  }
  return {};
}

Metadata describe(const TrainingProgress& progress) {
  return {{"epoch", std::to_string(progress.epoch)},
          {"batch", std::to_string(progress.batch)},
          {"step", std::to_string(progress.step)},
          {"epoch_loss", exact(progress.epoch_loss)},
          {"epoch_words", exact(progress.epoch_words)},
          {"best", serialise(progress.best)},
          {"best_epoch", std::to_string(progress.best_epoch)},
          {"finished", progress.finished ? "1" : "0"}};
}

Status parse_progress(const Safetensors& file, TrainingProgress& progress) {
  ATTEND_RETURN_IF_ERROR(parse(file, "epoch", progress.epoch));
  ATTEND_RETURN_IF_ERROR(parse(file, "batch", progress.batch));
  ATTEND_RETURN_IF_ERROR(parse(file, "step", progress.step));
  ATTEND_RETURN_IF_ERROR(parse(file, "epoch_loss", progress.epoch_loss));
  ATTEND_RETURN_IF_ERROR(parse(file, "epoch_words", progress.epoch_words));
  ATTEND_RETURN_IF_ERROR(parse(file, "best_epoch", progress.best_epoch));
  ATTEND_RETURN_IF_ERROR(parse_scores(file, progress.best));
  int finished = 0;
  ATTEND_RETURN_IF_ERROR(parse(file, "finished", finished));
  progress.finished = finished != 0;
  if (progress.epoch >= 0 && progress.batch >= 0 && progress.step >= progress.batch &&
      progress.best_epoch >= -1 && progress.best_epoch <= progress.epoch) {
    return {};
  }
  return {StatusCode::kCorrupt,
          file.name() + ": metadata of a run at epoch " + std::to_string(progress.epoch) + ", batch " +
              std::to_string(progress.batch) + ", step " + std::to_string(progress.step) + ", best epoch " +
              std::to_string(progress.best_epoch)};
}

TensorToWrite tensor(const std::string& name, const Parameter<float>& parameter,
                     std::span<const float> values) {
  return {name, parameter.shape(), values, StoredType::kFloat32};
}

}  // namespace

Status save_training(const std::string& path, const std::string& recipe, const TrainingProgress& progress,
                     const ParameterList<float>& parameters, AdamW<float>& optimiser) {
  std::vector<TensorToWrite> tensors;
  for (size_t i = 0; i < parameters.size(); ++i) {
    Parameter<float>& p = *parameters[i];
    tensors.push_back(tensor(p.name(), p, p.value().values()));
    tensors.push_back(tensor(kFirst + p.name(), p, optimiser.first_moment(i)));
    tensors.push_back(tensor(kSecond + p.name(), p, optimiser.second_moment(i)));
  }
  Metadata metadata = describe(progress);
  metadata["recipe"] = recipe;
  metadata["optimiser_steps"] = std::to_string(optimiser.steps());
  return write_safetensors(path, tensors, metadata);
}

Result<TrainingProgress> load_training(const std::string& path, const std::string& recipe,
                                       const ParameterList<float>& parameters, AdamW<float>& optimiser) {
  Result<Safetensors> file = Safetensors::open(path);
  if (!file.ok()) return file.status();
  Result<std::string> its_recipe = file.value().metadata_value("recipe");
  if (!its_recipe.ok()) return its_recipe.status();
  if (const std::string differs = recipe_difference(its_recipe.value(), recipe); !differs.empty())
    return Status(StatusCode::kInvalidArgument, path + ": the run was begun with other choices: " + differs);
  TrainingProgress progress;
  int64_t steps = 0;
  ATTEND_RETURN_IF_ERROR(parse_progress(file.value(), progress));
  ATTEND_RETURN_IF_ERROR(parse(file.value(), "optimiser_steps", steps));
  for (size_t i = 0; i < parameters.size(); ++i) {
    Parameter<float>& p = *parameters[i];
    const std::vector<int64_t> shape = p.shape();
    ATTEND_RETURN_IF_ERROR(file.value().read(p.name(), shape, p.value().values()));
    ATTEND_RETURN_IF_ERROR(file.value().read(kFirst + p.name(), shape, optimiser.first_moment(i)));
    ATTEND_RETURN_IF_ERROR(file.value().read(kSecond + p.name(), shape, optimiser.second_moment(i)));
  }
  optimiser.set_steps(steps);
  return progress;
}

Status save_parameters(const std::string& path, const ParameterList<float>& parameters) {
  std::vector<TensorToWrite> tensors;
  for (Parameter<float>* p : parameters) tensors.push_back(tensor(p->name(), *p, p->value().values()));
  return write_safetensors(path, tensors, {});
}

Status load_parameters(const std::string& path, const ParameterList<float>& parameters) {
  Result<Safetensors> file = Safetensors::open(path);
  if (!file.ok()) return file.status();
  for (Parameter<float>* p : parameters) {
    ATTEND_RETURN_IF_ERROR(file.value().read(p->name(), p->shape(), p->value().values()));
  }
  return {};
}

}  // namespace attend
