// From data folders and an encoder to what a trainer takes: word numbers, features, validation sets.
#ifndef ATTEND_TRAINING_TRAINING_SET_H_
#define ATTEND_TRAINING_TRAINING_SET_H_

#include <deque>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "attend/status.h"
#include "base/bounds.h"
#include "checkpoint/safetensors.h"
#include "language/vocabulary.h"
#include "training/batches.h"
#include "training/dataset.h"
#include "training/feature_cache.h"
#include "training/validation.h"

namespace attend {

/// Owns the features; photos and validation sets look into them, wherever the set is moved.
struct TrainingSet {
  Vocabulary vocabulary;
  std::deque<FeatureFile> features;
  std::vector<TrainingPhoto> photos;      // of the train split of all folders
  std::vector<ValidationSet> validation;  // one for each folder with a val split, named as the folder
  uint64_t captions = 0;                  // a fingerprint of all captions, and of which photos they belong to
};

struct TrainingSetOptions {
  static constexpr Bounds<int> kSide{32, 2048}, kCrops{0, 100};  // kSide: of both squares
  static constexpr Bounds<int64_t> kMinCount{1, 1'000'000'000};

  std::vector<std::string> data;  // folders
  PhotoSquares squares;
  std::string cache;      // where features are kept
  int crops = 0;          // random windows of each train photo to learn from besides the whole
  int64_t min_count = 4;  // of a word in the train captions
};

/// Reads the folders and computes the features that no cache has. Errors: those of read_data_folder() and
/// cached_features(); kInvalidArgument when there is no train photo or no word to learn, or two folders have
/// one name.
Result<TrainingSet> make_training_set(const TrainingSetOptions& options, const Safetensors& encoder,
                                      Executor& executor, const FeatureProgress& progress);

/// The photos of a split and what people wrote about them, with the features of `folder`'s encoder.
ValidationSet make_validation_set(const DataFolder& folder, const std::vector<CaptionedPhoto>& photos,
                                  const FeatureFile& features);

/// A photo's captions as numbers, for learning and for rewards; `words` begins with the vocabulary's words.
TrainingPhoto make_training_photo(const CaptionedPhoto& photo, const Vocabulary& vocabulary,
                                  WordTable& words);

}  // namespace attend

#endif  // ATTEND_TRAINING_TRAINING_SET_H_
