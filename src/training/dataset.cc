#include "training/dataset.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "evaluation/captions_file.h"
#include "language/ptb_tokenizer.h"
#include "training/content_hash.h"

namespace attend {
namespace {

bool speaks_of_sides(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "left" || word == "right"; });
}

std::string last_component(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  return folder.has_filename() ? folder.filename().string() : path;
}

std::optional<Split> split_of(std::string_view name) {
  for (const auto& [known, split] : kSplits) {
    if (known == name) return split;
  }
  return std::nullopt;
}

void add_caption(CaptionedPhoto& photo, const std::string& text) {
  photo.texts.push_back(text);
  photo.words.push_back(split_words(text));
  photo.sided = photo.sided || speaks_of_sides(photo.words.back());
}

}  // namespace

std::string_view name_of(Split split) {
  return std::ranges::find(kSplits, split, [](const auto& entry) { return entry.second; })->first;
}

Result<DataFolder> read_data_folder(const std::string& path) {
  Result<std::vector<DatasetCaption>> captions = read_dataset_captions(path + "/captions.tsv");
  if (!captions.ok()) return captions.status();
  DataFolder folder;
  folder.path = path;
  folder.name = last_component(path);

  std::stable_sort(captions.value().begin(), captions.value().end(),
                   [](const DatasetCaption& a, const DatasetCaption& b) { return a.index < b.index; });
  std::unordered_map<std::string, size_t> places;
  std::map<Split, std::vector<CaptionedPhoto>> splits;
  for (const DatasetCaption& caption : captions.value()) {
    const std::optional<Split> split = split_of(caption.split);
    if (!split) continue;
    std::vector<CaptionedPhoto>& photos = splits[*split];
    const auto [place, is_new] = places.try_emplace(caption.image, photos.size());
    if (is_new) photos.emplace_back().image = caption.image;
    add_caption(photos[place->second], caption.text);
  }
  if (places.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  path + "/captions.tsv: no photo in the splits train, val and test");
  }
  folder.train = std::move(splits[Split::kTrain]);
  folder.val = std::move(splits[Split::kVal]);
  folder.test = std::move(splits[Split::kTest]);
  return folder;
}

uint64_t fingerprint_of(const DataFolder& folder) {
  ContentHash hash;
  for (const std::vector<CaptionedPhoto>* photos : {&folder.train, &folder.val}) {
    hash.add(static_cast<uint64_t>(photos->size()));
    for (const CaptionedPhoto& photo : *photos) {
      hash.add(photo.image);
      hash.add(static_cast<uint64_t>(photo.texts.size()));
      for (const std::string& text : photo.texts) hash.add(text);
    }
  }
  return hash.value();
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
