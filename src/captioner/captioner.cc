#include "attend/captioner.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "captioner/model_kind.h"
#include "vision/photo.h"

namespace attend {
namespace {

/// Refuses what would have no effect, whatever the model.
Status check_draw(const CaptionOptions& options) {
  if (options.temperature && !options.sample_seed) {
    return {StatusCode::kInvalidArgument,
            fmt::format("temperature is {}, but without sample_seed no word is drawn", *options.temperature)};
  }
  if (options.sample_seed && options.beam && *options.beam != 1) {
    return {StatusCode::kInvalidArgument,
            fmt::format("beam is {}, but must be 1 with sample_seed, which draws the words of one sentence",
                        *options.beam)};
  }
  return {};
}

}  // namespace

struct Captioner::Model {
  std::unique_ptr<ModelKind> kind;

  static Result<Captioner> made(Result<std::unique_ptr<ModelKind>> kind) {
    if (!kind.ok()) return kind.status();
    return Captioner(std::make_unique<Model>(Model{std::move(kind).value()}));
  }
};

Captioner::Captioner(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Captioner::Captioner(Captioner&&) noexcept = default;
Captioner& Captioner::operator=(Captioner&&) noexcept = default;
Captioner::~Captioner() = default;

Result<Captioner> Captioner::load(const std::string& path, Executor& executor, WeightPrecision precision) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Model::made(make_published_model(path, precision, executor));
  }
  if (precision != WeightPrecision::kAsStored) {
    return Status(StatusCode::kInvalidArgument,
                  path + ": only published models in a folder have their weights rounded");
  }
  const Result<Safetensors> file = Safetensors::open(path);
  return file.ok() ? Model::made(make_own_model(file.value(), executor)) : file.status();
}

Result<Captioner> Captioner::load(std::span<const std::byte> bytes, const std::string& name,
                                  Executor& executor) {
  const Result<Safetensors> file = Safetensors::parse(bytes, name);
  return file.ok() ? Model::made(make_own_model(file.value(), executor)) : file.status();
}

Status Captioner::check(const CaptionOptions& options) const {
  return model_->kind->check(options);
}

Result<Caption> Captioner::caption_file(const std::string& path, const CaptionOptions& options) const {
  const Result<Photo> photo = load_photo(path, longest_side());
  return photo.ok() ? caption(photo.value(), options) : photo.status();
}

Result<Caption> Captioner::caption(const Photo& photo, const CaptionOptions& options) const {
  Result<std::vector<Caption>> captions = caption(std::span(&photo, 1), options);
  if (!captions.ok()) return captions.status();
  return std::move(captions.value().front());
}

Result<std::vector<Caption>> Captioner::caption(std::span<const Photo> photos,
                                                const CaptionOptions& options) const {
  ATTEND_RETURN_IF_ERROR(check_draw(options));
  return model_->kind->caption(photos, options);
}

Result<std::vector<Caption>> Captioner::caption_features(std::span<const float> features, int64_t photos,
                                                         const CaptionOptions& options) const {
  ATTEND_RETURN_IF_ERROR(check_draw(options));
  return model_->kind->caption_features(features, photos, options);
}

int Captioner::grid() const {
  return model_->kind->grid();
}
int64_t Captioner::features() const {
  return model_->kind->features();
}
int Captioner::longest_side() const {
  return model_->kind->longest_side();
}
int64_t Captioner::vocabulary() const {
  return model_->kind->vocabulary();
}
int64_t Captioner::parameters() const {
  return model_->kind->parameters();
}
const std::map<std::string, std::string>& Captioner::notes() const {
  return model_->kind->notes();
}

}  // namespace attend
