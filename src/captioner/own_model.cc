// A captioner from a model file of this project's.
#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "captioner/model_file.h"
#include "captioner/model_kind.h"
#include "captioner/photo_to_patches.h"
#include "captioner/spoken_caption.h"
#include "language/word_rules.h"

namespace attend {
namespace {

GenerationOptions merged(const GenerationOptions& defaults, const CaptionOptions& options) {
  GenerationOptions merged = defaults;
  merged.beam = options.beam.value_or(defaults.beam);
  merged.length_exponent = options.length_exponent.value_or(defaults.length_exponent);
  merged.no_repeat_ngram = options.no_repeat_ngram.value_or(defaults.no_repeat_ngram);
  merged.max_length = options.max_words.value_or(defaults.max_length);
  merged.min_length = options.min_words.value_or(std::min(defaults.min_length, merged.max_length));
  if (merged.beam == 1) merged.method = GenerationOptions::Method::kGreedy;
  if (options.sample_seed) {
    merged.method = GenerationOptions::Method::kSample;
    merged.key = RandomKey(*options.sample_seed);
  }
  merged.temperature = options.temperature.value_or(defaults.temperature);
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

class OwnModel final : public ModelKind {
 public:
  OwnModel(LoadedModel loaded, Executor& executor)
      : loaded_(std::make_unique<LoadedModel>(std::move(loaded))), executor_(executor) {}

  Status check(const CaptionOptions& options) const override { return generation_of(options).status(); }

  Result<std::vector<Caption>> caption(std::span<const Photo> photos,
                                       const CaptionOptions& options) const override {
    const Result<GenerationOptions> generation = generation_of(options);
    if (!generation.ok()) return generation.status();
    try {
      Arena arena;
      const Result<Matrix<float>> patches =
          photos_to_patches(photos, loaded_->config.squares, loaded_->encoder, arena);
      if (!patches.ok()) return patches.status();
      return say(patches.value(), generation.value());
    } catch (const std::bad_alloc&) {
      return no_memory(static_cast<int64_t>(photos.size()));
    }
  }

  Result<std::vector<Caption>> caption_features(std::span<const float> features, int64_t photos,
                                                const CaptionOptions& options) const override {
    const Result<GenerationOptions> generation = generation_of(options);
    if (!generation.ok()) return generation.status();
    const int64_t rows = photos * grid() * grid();
    if (photos < 0 || static_cast<int64_t>(features.size()) != rows * this->features()) {
      return Status(StatusCode::kInvalidArgument,
                    fmt::format("{} photos of {} x {} patches with {} features each are not {} numbers",
                                photos, grid(), grid(), this->features(), features.size()));
    }
    try {
      return say({features.data(), rows, this->features()}, generation.value());
    } catch (const std::bad_alloc&) {
      return no_memory(photos);
    }
  }

  int grid() const override { return loaded_->config.shape.patches.grid; }
  int64_t features() const override { return loaded_->config.shape.patches.features; }
  int longest_side() const override { return kLongestPhotoSide; }
  int64_t vocabulary() const override { return loaded_->vocabulary.size() - Vocabulary::kSpecials; }
  int64_t parameters() const override { return loaded_->parameters; }
  const std::map<std::string, std::string>& notes() const override { return loaded_->notes; }

 private:
  Result<GenerationOptions> generation_of(const CaptionOptions& options) const {
    if (options.prompt) {
      return Status(StatusCode::kInvalidArgument, "this model takes no prompt: only published models do");
    }
    const GenerationOptions wanted = merged(loaded_->config.generation, options);
    ATTEND_RETURN_IF_ERROR(
        check_words(wanted.min_length, wanted.max_length, loaded_->config.shape.text.max_length - 1));
    ATTEND_RETURN_IF_ERROR(attend::check(wanted));
    return wanted;
  }

  std::vector<Caption> say(ConstMatrix<float> patches, const GenerationOptions& options) const {
    if (patches.rows == 0) return {};
    const std::unique_ptr<NextWord> next = look_at(loaded_->model, patches, executor_);
    const SpecialWords special = special_words(loaded_->vocabulary);
    std::vector<Caption> captions;
    for (const std::vector<SpokenSentence>& sentences : generate(*next, special, options)) {
      captions.push_back(to_caption(sentences.front(), loaded_->vocabulary, grid()));
    }
    return captions;
  }

  static Status no_memory(int64_t photos) {
    return {StatusCode::kOutOfMemory, fmt::format("not enough memory to caption {} photos at once", photos)};
  }

  const std::unique_ptr<LoadedModel> loaded_;  // the photo encoder's calls take turns, and change its memory
  Executor& executor_;
};

}  // namespace

Result<std::unique_ptr<ModelKind>> make_own_model(const Safetensors& file, Executor& executor) {
  Result<LoadedModel> loaded = load_model(file);
  if (!loaded.ok()) return loaded.status();
  return std::unique_ptr<ModelKind>(std::make_unique<OwnModel>(std::move(loaded).value(), executor));
}

}  // namespace attend
