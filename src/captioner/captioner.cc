#include "attend/captioner.h"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "captioner/model_file.h"
#include "captioner/photo_to_patches.h"
#include "captioner/spoken_caption.h"
#include "language/word_rules.h"
#include "vision/photo.h"

namespace attend {
namespace {

GenerationOptions merged(const GenerationOptions& defaults, const CaptionOptions& options) {
  GenerationOptions merged = defaults;
  merged.beam = options.beam.value_or(defaults.beam);
  merged.length_exponent = options.length_exponent.value_or(defaults.length_exponent);
  merged.no_repeat_ngram = options.no_repeat_ngram.value_or(defaults.no_repeat_ngram);
  merged.min_length = options.min_words.value_or(defaults.min_length);
  merged.max_length = options.max_words.value_or(defaults.max_length);
  if (merged.beam == 1) merged.method = GenerationOptions::Method::kGreedy;
  if (options.sample_seed) {
    merged.method = GenerationOptions::Method::kSample;
    merged.key = RandomKey(*options.sample_seed);
  }
  merged.temperature = options.temperature;
  merged.keep_attention = options.attention;
  return merged;
}

/// Numbers of words, by the names that CaptionOptions has for them.
Status check_words(int min_words, int max_words, int64_t most) {
  const auto refused = [](const std::string& reason) { return Status(StatusCode::kInvalidArgument, reason); };
  if (max_words < 1) return refused(fmt::format("max_words is {}, and must be at least 1", max_words));
  if (max_words > most) {
    return refused(fmt::format("max_words is {}, and this model says at most {}", max_words, most));
  }
  if (min_words >= 0 && min_words <= max_words) return {};
  return refused(
      fmt::format("min_words is {}, and must be from 0 to max_words, which is {}", min_words, max_words));
}

}  // namespace

struct Captioner::Model {
  Model(LoadedModel l, Executor& e) : loaded(std::move(l)), executor(e) {}

  LoadedModel loaded;
  Executor& executor;

  static Result<Captioner> load(const Result<Safetensors>& file, Executor& executor) {
    if (!file.ok()) return file.status();
    Result<LoadedModel> loaded = load_model(file.value());
    if (!loaded.ok()) return loaded.status();
    return Captioner(std::make_unique<Model>(std::move(loaded).value(), executor));
  }

  Result<GenerationOptions> generation(const CaptionOptions& options) const {
    const GenerationOptions wanted = merged(loaded.config.generation, options);
    ATTEND_RETURN_IF_ERROR(
        check_words(wanted.min_length, wanted.max_length, loaded.config.shape.text.max_length - 1));
    ATTEND_RETURN_IF_ERROR(check(wanted));
    return wanted;
  }

  std::vector<Caption> say(ConstMatrix<float> patches, const GenerationOptions& options) const {
    if (patches.rows == 0) return {};
    const std::unique_ptr<NextWord> next = look_at(loaded.model, patches, executor);
    const SpecialWords special = special_words(loaded.vocabulary);
    std::vector<Caption> captions;
    for (const std::vector<SpokenSentence>& sentences : generate(*next, special, options)) {
      captions.push_back(to_caption(sentences.front(), loaded.vocabulary, loaded.config.shape.patches.grid));
    }
    return captions;
  }
};

Captioner::Captioner(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Captioner::Captioner(Captioner&&) noexcept = default;
Captioner& Captioner::operator=(Captioner&&) noexcept = default;
Captioner::~Captioner() = default;

Result<Captioner> Captioner::load(const std::string& path, Executor& executor) {
  return Model::load(Safetensors::open(path), executor);
}

Result<Captioner> Captioner::load(std::span<const std::byte> bytes, const std::string& name,
                                  Executor& executor) {
  return Model::load(Safetensors::parse(bytes, name), executor);
}

Result<Caption> Captioner::caption_file(const std::string& path, const CaptionOptions& options) const {
  const Result<Photo> photo = load_photo(path);
  return photo.ok() ? caption(photo.value(), options) : photo.status();
}

Result<Caption> Captioner::caption(const Photo& photo, const CaptionOptions& options) const {
  Result<std::vector<Caption>> captions = caption(std::span(&photo, 1), options);
  if (!captions.ok()) return captions.status();
  return std::move(captions.value().front());
}

Result<std::vector<Caption>> Captioner::caption(std::span<const Photo> photos,
                                                const CaptionOptions& options) const {
  const Result<GenerationOptions> generation = model_->generation(options);
  if (!generation.ok()) return generation.status();
  try {
    Arena arena;
    const Result<Matrix<float>> patches =
        photos_to_patches(photos, model_->loaded.config.squares, model_->loaded.encoder, arena);
    if (!patches.ok()) return patches.status();
    return model_->say(patches.value(), generation.value());
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory,
                  fmt::format("not enough memory to caption {} photos at once", photos.size()));
  }
}

Result<std::vector<Caption>> Captioner::caption_features(std::span<const float> features, int64_t photos,
                                                         const CaptionOptions& options) const {
  const Result<GenerationOptions> generation = model_->generation(options);
  if (!generation.ok()) return generation.status();
  const int64_t rows = photos * grid() * grid();
  if (photos < 0 || static_cast<int64_t>(features.size()) != rows * this->features()) {
    return Status(StatusCode::kInvalidArgument,
                  fmt::format("{} photos of {} x {} patches with {} features each are not {} numbers", photos,
                              grid(), grid(), this->features(), features.size()));
  }
  try {
    return model_->say({features.data(), rows, this->features()}, generation.value());
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory,
                  fmt::format("not enough memory to caption {} photos at once", photos));
  }
}

int Captioner::grid() const {
  return model_->loaded.config.shape.patches.grid;
}
int64_t Captioner::features() const {
  return model_->loaded.config.shape.patches.features;
}
int64_t Captioner::vocabulary() const {
  return model_->loaded.vocabulary.size() - Vocabulary::kSpecials;
}
int64_t Captioner::parameters() const {
  return model_->loaded.parameters;
}
const std::map<std::string, std::string>& Captioner::notes() const {
  return model_->loaded.notes;
}

}  // namespace attend
