#include "training/dataset.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "evaluation/captions_file.h"
#include "language/ptb_tokenizer.h"

namespace attend {
namespace {

bool speaks_of_sides(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "left" || word == "right"; });
}

std::string last_component(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  return folder.filename().string();
}

std::vector<CaptionedPhoto>* split_of(DataFolder& folder, const std::string& split) {
  if (split == "train") return &folder.train;
  if (split == "val") return &folder.val;
  if (split == "test") return &folder.test;
  return nullptr;
}

void add_caption(CaptionedPhoto& photo, const std::string& text) {
  photo.texts.push_back(text);
  photo.words.push_back(split_words(text));
  photo.sided = photo.sided || speaks_of_sides(photo.words.back());
}

}  // namespace

Result<DataFolder> read_data_folder(const std::string& path) {
  Result<std::vector<DatasetCaption>> captions = read_dataset_captions(path + "/captions.tsv");
  if (!captions.ok()) return captions.status();
  DataFolder folder;
  folder.path = path;
  folder.name = last_component(path);

  std::stable_sort(captions.value().begin(), captions.value().end(),
                   [](const DatasetCaption& a, const DatasetCaption& b) { return a.index < b.index; });
  std::unordered_map<std::string, size_t> places;
  for (const DatasetCaption& caption : captions.value()) {
    std::vector<CaptionedPhoto>* photos = split_of(folder, caption.split);
    if (photos == nullptr) continue;
    const auto [place, is_new] = places.try_emplace(caption.image, photos->size());
    if (is_new) photos->emplace_back().image = caption.image;
    add_caption((*photos)[place->second], caption.text);
  }
  if (places.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  path + "/captions.tsv: no photo in the splits train, val and test");
  }
  return folder;
}

Vocabulary train_vocabulary(std::span<const DataFolder> folders, int64_t min_count) {
  std::vector<std::vector<std::string>> captions;
  for (const DataFolder& folder : folders) {
    for (const CaptionedPhoto& photo : folder.train) {
      captions.insert(captions.end(), photo.words.begin(), photo.words.end());
    }
  }
  return Vocabulary::build(captions, min_count);
}

}  // namespace attend
