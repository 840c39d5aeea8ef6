#include "training/batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/half.h"
#include "language/vocabulary.h"
#include "training/shuffle.h"

namespace attend {
namespace {

enum Stream : uint64_t { kOrder, kMirror, kView };

}  // namespace

BatchPlan::BatchPlan(std::span<const TrainingPhoto> photos, int64_t photos_per_batch, uint64_t seed)
    : photos_(photos), photos_per_batch_(photos_per_batch), key_(seed) {}

int64_t BatchPlan::batches() const {
  return (static_cast<int64_t>(photos_.size()) + photos_per_batch_ - 1) / photos_per_batch_;
}

void BatchPlan::shuffle(int64_t epoch) {
  order_.resize(photos_.size());
  std::iota(order_.begin(), order_.end(), int64_t{0});
  const RandomKey key = key_.child(static_cast<uint64_t>(epoch)).child(kOrder);
  attend::shuffle(std::span(order_), key);
  shuffled_epoch_ = epoch;
}

std::vector<PickedPhoto> BatchPlan::pick(int64_t epoch, int64_t batch) {
  if (epoch != shuffled_epoch_) shuffle(epoch);
  const RandomKey key = key_.child(static_cast<uint64_t>(epoch));
  const int64_t begin = batch * photos_per_batch_;
  const int64_t end = std::min(begin + photos_per_batch_, static_cast<int64_t>(order_.size()));
  std::vector<PickedPhoto> picked;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t photo = order_[static_cast<size_t>(i)];
    const uint64_t at = static_cast<uint64_t>(photo);
    const TrainingPhoto& known = photos_[at];
    const bool mirrored = !known.sided && key.child(kMirror).below(at, 2) == 1;
    picked.push_back({photo, mirrored, key.child(kView).below(at, known.views.size())});
  }
  return picked;
}

void PackedCaptions::clear() {
  words_.clear();
  next_words_.clear();
  weights_.clear();
  captions_.assign(1, 0);
  photos_.assign(1, 0);
}

void PackedCaptions::add_caption(std::span<const int32_t> words, bool ended, float weight) {
  const int64_t rows = std::min(static_cast<int64_t>(words.size()) + (ended ? 1 : 0), most_rows_);
  for (int64_t i = 0; i < rows; ++i) {
    const size_t at = static_cast<size_t>(i);
    const int32_t next = at < words.size() ? words[at] : Vocabulary::kEnd;
    words_.push_back(at == 0 ? Vocabulary::kStart : words[at - 1]);
    next_words_.push_back(next);
    weights_.push_back(next == Vocabulary::kUnknown ? 0.0f : weight);
  }
  captions_.push_back(this->rows());
}

double PackedCaptions::total_weight() const {
  return std::accumulate(weights_.begin(), weights_.end(), 0.0);
}

CaptionBatch<float> PackedCaptions::with(ConstMatrix<float> features) const {
  return {features, words_, next_words_, weights_, captions_, photos_};
}

void gather_features(std::span<const TrainingPhoto> photos, std::span<const PickedPhoto> picked,
                     Executor& executor, Matrix<float> features) {
  const int64_t patches = features.rows / static_cast<int64_t>(picked.size());
  executor.for_each(static_cast<int64_t>(picked.size()), [&](int64_t i, int) {
    const PickedPhoto& pick = picked[static_cast<size_t>(i)];
    const TrainingPhoto& photo = photos[static_cast<size_t>(pick.photo)];
    halves_to_floats(photo.views[pick.view]->features(photo.index, pick.mirrored),
                     features.slice(i * patches, patches).values());
  });
}

}  // namespace attend
