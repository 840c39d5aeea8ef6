#include "training/learner.h"

namespace attend {
namespace {

constexpr uint64_t kCaptions = 1;  // the stream of dropout beside that of samples

}  // namespace

Learner::Learner(CaptionModel<float>& model, std::span<const TrainingPhoto> photos,
                 const LearningOptions& options, Executor& executor)
    : model_(model),
      photos_(photos),
      options_(options),
      executor_(executor),
      parameters_(model.parameters()),
      optimiser_(parameters_, options.adamw),
      plan_(photos, options.photos_per_batch, options.seed),
      schedule_{options.rate, options.last_rate, options.warmup, plan_.batches() * options.epochs},
      packed_(model.shape().text.max_length) {
  if (options_.self_critical) self_critical_.emplace(photos, *options_.self_critical);
}

StepResult Learner::step(int64_t epoch, int64_t batch, int64_t step) {
  const std::vector<PickedPhoto> picked = plan_.pick(epoch, batch);
  const PatchEncoderShape& shape = model_.shape().patches;
  arena_.reset();
  const Matrix<float> features =
      arena_.matrix<float>(static_cast<int64_t>(picked.size()) * shape.grid * shape.grid, shape.features);
  gather_features(photos_, picked, executor_, features);
  zero_gradients(parameters_);

  const RandomKey key = RandomKey(options_.seed).child(static_cast<uint64_t>(step));
  StepResult result;
  if (!self_critical_) {
    result = learn_captions(picked, features, key, 1.0);
  } else {
    if (options_.caption_share > 0)
      learn_captions(picked, features, key.child(kCaptions), options_.caption_share);
    result = learn_rewards(picked, features, key, 1.0 - options_.caption_share);
  }
  result.learning_rate = schedule_.rate(step);
  result.gradient_norm = optimiser_.step(result.learning_rate, executor_);
  return result;
}

StepResult Learner::learn_captions(std::span<const PickedPhoto> picked, ConstMatrix<float> features,
                                   RandomKey key, double share) {
  packed_.clear();
  for (const PickedPhoto& pick : picked) {
    for (const std::vector<int32_t>& caption : photos_[static_cast<size_t>(pick.photo)].captions) {
      packed_.add_caption(caption, true, 1.0f);
    }
    packed_.end_photo();
  }
  StepResult result;
  result.words = packed_.total_weight();
  result.captions = packed_.captions();
  Pass pass(arena_, executor_, key);
  result.loss = learn(features, options_.label_smoothing, share / result.words, pass);
  return result;
}

/// The sampled model is the one without dropout, and so is the one that learns from its samples.
StepResult Learner::learn_rewards(std::span<const PickedPhoto> picked, ConstMatrix<float> features,
                                  RandomKey key, double share) {
  packed_.clear();
  StepResult result;
  result.reward = self_critical_->sample(model_, picked, features, key, executor_, packed_);
  result.words = static_cast<double>(packed_.rows());
  result.captions = packed_.captions();
  Pass pass(arena_, executor_);
  result.loss = learn(features, 0.0, share / result.words, pass);
  return result;
}

/// Forward and backward over what is packed; activations are gone afterwards.
double Learner::learn(ConstMatrix<float> features, double label_smoothing, double scale, Pass& pass) {
  const Arena::Mark mark(arena_);
  pass.precision = options_.precision;
  return model_.learn(packed_.with(features), label_smoothing, scale, pass);
}

}  // namespace attend
