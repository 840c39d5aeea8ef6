// Photographs with the captions that people wrote for them, as folders on disk.
//
// A data folder holds `captions.tsv` (image, split, caption index, text: see evaluation/captions_file.h) and
// the photos under `images/`.
#ifndef ATTEND_TRAINING_DATASET_H_
#define ATTEND_TRAINING_DATASET_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/status.h"
#include "language/vocabulary.h"

namespace attend {

struct CaptionedPhoto {
  std::string image;                            // its name in captions.tsv
  std::vector<std::string> texts;               // as published
  std::vector<std::vector<std::string>> words;  // of each text, as split_words() gives them
  /// A caption speaks of left or right, and would be wrong of the mirror image.
  bool sided = false;
};

enum class Split { kTrain, kVal, kTest };

/// As captions.tsv calls them.
inline constexpr std::array<std::pair<std::string_view, Split>, 3> kSplits = {
    {{"train", Split::kTrain}, {"val", Split::kVal}, {"test", Split::kTest}}};

std::string_view name_of(Split split);

struct DataFolder {
  std::string path;  // as given
  std::string name;  // its last component; of one that has none, "/", the path
  std::vector<CaptionedPhoto> train, val, test;

  const std::vector<CaptionedPhoto>& photos(Split split) const {
    return split == Split::kTrain ? train : split == Split::kVal ? val : test;
  }
  std::string photo_path(const CaptionedPhoto& photo) const { return path + "/images/" + photo.image; }
};

/// Reads a folder's captions: photos in the order in which captions.tsv holds their first captions, captions
/// in the order of their indices. Rows of other splits ("unused") are skipped. Photos are not opened here.
/// Errors: those of read_dataset_captions(); kInvalidArgument for a folder without train, val or test photos.
Result<DataFolder> read_data_folder(const std::string& path);

/// A fingerprint of the splits train and val: photo by photo its name and what people wrote about it.
uint64_t fingerprint_of(const DataFolder& folder);

/// Words that the train captions of all folders together hold at least `min_count` times.
Vocabulary train_vocabulary(std::span<const DataFolder> folders, int64_t min_count);

}  // namespace attend

#endif  // ATTEND_TRAINING_DATASET_H_
