// What a training step learns from: a few photos with all of their captions, packed without padding.
#ifndef ATTEND_TRAINING_BATCHES_H_
#define ATTEND_TRAINING_BATCHES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "base/random.h"
#include "captioner/caption_model.h"
#include "training/feature_file.h"

namespace attend {

/// A photo as training sees it: where the features of its views are, and its captions as numbers of words.
struct TrainingPhoto {
  std::vector<const FeatureFile*> views;       // the whole photo first, then windows of it
  int64_t index = 0;                           // in each of these files
  bool sided = false;                          // must not be mirrored
  std::vector<std::vector<int32_t>> captions;  // without start and end
  /// The captions again, for rewards: words outside the vocabulary have numbers of their own past its end,
  /// and each caption closes with the end.
  std::vector<std::vector<int32_t>> references;
};

struct PickedPhoto {
  int64_t photo = 0;  // an index into the training photos
  bool mirrored = false;
  size_t view = 0;
};

/// Which photos make up each batch: a new order each epoch, each photo once an epoch, in one of its views
/// and mirrored half of the times, all a function of the seed, the epoch and the batch.
class BatchPlan {
 public:
  BatchPlan(std::span<const TrainingPhoto> photos, int64_t photos_per_batch, uint64_t seed);

  /// Batches an epoch; the last may be smaller.
  int64_t batches() const;
  std::vector<PickedPhoto> pick(int64_t epoch, int64_t batch);

 private:
  void shuffle(int64_t epoch);

  std::span<const TrainingPhoto> photos_;
  int64_t photos_per_batch_;
  RandomKey key_;
  int64_t shuffled_epoch_ = -1;
  std::vector<int64_t> order_;
};

/// Captions side by side: what a CaptionBatch borrows. Reused from batch to batch.
class PackedCaptions {
 public:
  explicit PackedCaptions(int64_t most_rows_a_caption) : most_rows_(most_rows_a_caption) { clear(); }

  void clear();
  /// The caption of the photo last begun. A caption of more rows than a model has positions is cut, and its
  /// end not learned; every row weighs `weight`, but rows whose next word is the unknown word weigh nothing:
  /// it is never said.
  void add_caption(std::span<const int32_t> words, bool ended, float weight);
  /// What is added from now on belongs to the next photo.
  void end_photo() { photos_.push_back(static_cast<int64_t>(words_.size())); }

  int64_t rows() const { return static_cast<int64_t>(words_.size()); }
  int64_t captions() const { return static_cast<int64_t>(captions_.size()) - 1; }
  double total_weight() const;
  CaptionBatch<float> with(ConstMatrix<float> features) const;

 private:
  int64_t most_rows_;
  std::vector<int32_t> words_, next_words_;
  std::vector<float> weights_;
  std::vector<int64_t> captions_, photos_;
};

/// Widens the features of `picked`, in order, into [photos * patches, width].
void gather_features(std::span<const TrainingPhoto> photos, std::span<const PickedPhoto> picked,
                     Executor& executor, Matrix<float> features);

}  // namespace attend

#endif  // ATTEND_TRAINING_BATCHES_H_
