#include "training/caption_learner.h"

#include <fmt/format.h>

namespace attend {
namespace {

enum Stream : uint64_t { kSamples, kNoise, kCaptions, kRewards };  // of a step

}  // namespace

CaptionLearner::CaptionLearner(CaptionModel<float>& model, const CaptionTask& task,
                               const CaptionLearningOptions& options, Executor& executor)
    : model_(model),
      task_(task),
      options_(options),
      executor_(executor),
      parameters_(model.parameters()),
      optimiser_(parameters_, options.adamw),
      plan_(task.photos, options.photos_per_batch, options.seed),
      schedule_{.peak = options.rate,
                .floor = options.last_rate,
                .warmup = options.warmup,
                .steps = plan_.batches() * options.epochs},
      captions_(model.shape().text.max_length),
      samples_(model.shape().text.max_length) {
  if (options_.self_critical) self_critical_.emplace(task.photos, *options_.self_critical);
}

StepResult CaptionLearner::step(int64_t epoch, int64_t batch, int64_t step) {
  const std::vector<PickedPhoto> picked = plan_.pick(epoch, batch);
  const PatchEncoderShape& shape = model_.shape().patches;
  arena_.reset();
  const Matrix<float> features =
      arena_.matrix<float>(static_cast<int64_t>(picked.size()) * shape.grid * shape.grid, shape.features);
  gather_features(task_.photos, picked, executor_, features);
  zero_gradients(parameters_);

  const RandomKey key = RandomKey(options_.seed).child(static_cast<uint64_t>(step));
  add_noise(options_.noise, key.child(kNoise), model_.patches.patches(), executor_, features);
  const double caption_share = self_critical_ ? options_.caption_share : 1.0;
  StepResult result;
  samples_.clear();
  if (self_critical_) {  // drawn from what noise has left: rewards of photos known by heart teach little
    result.reward =
        self_critical_->sample(model_, picked, features, key.child(kSamples), executor_, samples_);
  }
  if (caption_share > 0) {
    pack_captions(picked);
    const double words = captions_.total_weight();
    learn(captions_, features, {words, caption_share, options_.label_smoothing}, key.child(kCaptions),
          result);
  }
  if (self_critical_) {
    const auto words = static_cast<double>(samples_.rows());
    learn(samples_, features, {words, 1 - caption_share, 0.0}, key.child(kRewards), result);
  }
  result.learning_rate = schedule_.rate(step);
  result.gradient_norm = optimiser_.step(result.learning_rate, executor_);
  return result;
}

Result<std::vector<SetScores>> CaptionLearner::judge() {
  std::vector<SetScores> all;
  for (const ValidationSet& set : task_.validation) {
    const Result<Scores> scores = validate(model_, *task_.vocabulary, set, options_.generation, executor_);
    if (!scores.ok()) return scores.status();
    const double cider_d = scores.value().cider_d, bleu_4 = scores.value().bleu[3];
    all.push_back(
        {set.name, cider_d, bleu_4, fmt::format("CIDEr-D {:.4f} BLEU-4 {:.2f}", cider_d, 100 * bleu_4)});
  }
  return all;
}

void CaptionLearner::pack_captions(std::span<const PickedPhoto> picked) {
  captions_.clear();
  for (const PickedPhoto& pick : picked) {
    for (const std::vector<int32_t>& caption : task_.photos[static_cast<size_t>(pick.photo)].captions) {
      captions_.add_caption(caption, true, 1.0f);
    }
    captions_.end_photo();
  }
}

/// Forward and backward over what is packed; activations are gone afterwards.
void CaptionLearner::learn(const PackedCaptions& packed, ConstMatrix<float> features,
                           const Objective& objective, RandomKey key, StepResult& result) {
  const Arena::Mark mark(arena_);
  Pass pass(arena_, executor_, key);
  pass.precision = options_.precision;
  result.words = objective.words;
  result.examples = packed.captions();
  result.loss =
      model_.learn(packed.with(features), objective.label_smoothing, objective.share / objective.words, pass);
}

}  // namespace attend
