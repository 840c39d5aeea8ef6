// Learning from the score that the model's own sentences get (Rennie et al. 2017, "Self-critical sequence
// training").
//
// For each photo the model draws a few sentences. Each is rewarded with its CIDEr-D against the photo's
// captions, and what counts is how much better it is than the photo's other samples (Luo 2020, "A better
// variant of self-critical sequence training"): the gradient is that of -advantage * log p(sentence). The end
// of a sentence is a word of its n-grams, so that stopping in the middle of a phrase does not pay.
#ifndef ATTEND_TRAINING_SELF_CRITICAL_H_
#define ATTEND_TRAINING_SELF_CRITICAL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "base/bounds.h"
#include "base/random.h"
#include "captioner/caption_model.h"
#include "evaluation/cider_d.h"
#include "training/batches.h"

namespace attend {

struct SelfCriticalOptions {
  /// Where a photo's sentences come from. kChance: drawn by the model's probabilities, as in the papers
  /// above. kBeam: what a beam search finds (Cornia et al. 2020, "Meshed-memory Transformer"): learning then
  /// moves the sentences that a beam search will choose from, rather than first spending itself on making the
  /// unlikely ones rarer.
  enum class Source { kChance, kBeam } source = Source::kChance;
  static constexpr Bounds<int> kSamples{2, 100};

  int samples = 5;      // a photo, the width of the beam
  int max_length = 20;  // words
};

class SelfCritical {
 public:
  /// Document frequencies come from the references of the photos of one set (those whose features lie in one
  /// file), as a set's score takes them: what is common among its photos, dogs say, is worth little there,
  /// however rare it may be in the others.
  SelfCritical(std::span<const TrainingPhoto> photos, const SelfCriticalOptions& options);

  /// Draws sentences for the picked photos, whose features are given in order, and packs them, each weighed
  /// by its advantage. Returns the mean reward. The draws are a function of the key, whatever the number of
  /// workers.
  double sample(const CaptionModel<float>& model, std::span<const PickedPhoto> picked,
                ConstMatrix<float> features, RandomKey key, Executor& executor, PackedCaptions& packed) const;

 private:
  double reward(std::span<const int32_t> sentence, int64_t photo) const;

  /// Where a photo's references are.
  struct Place {
    size_t set;
    int64_t image;
  };
  SelfCriticalOptions options_;
  std::vector<CiderD> sets_;
  std::vector<Place> places_;  // of each photo
};

/// Each reward minus the mean of the others; of a single one, nothing.
std::vector<double> advantages(std::span<const double> rewards);

}  // namespace attend

#endif  // ATTEND_TRAINING_SELF_CRITICAL_H_
