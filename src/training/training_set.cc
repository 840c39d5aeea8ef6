#include "training/training_set.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "training/content_hash.h"

namespace attend {
namespace {

Result<std::vector<DataFolder>> read_folders(const std::vector<std::string>& paths) {
  std::vector<DataFolder> folders;
  std::set<std::string> names;
  bool any_train = false;
  for (const std::string& path : paths) {
    Result<DataFolder> folder = read_data_folder(path);
    if (!folder.ok()) return folder.status();
    if (!names.insert(folder.value().name).second) {
      return Status(StatusCode::kInvalidArgument,
                    path + ": a data folder named " + folder.value().name + " was already given");
    }
    any_train = any_train || !folder.value().train.empty();
    folders.push_back(std::move(folder).value());
  }
  if (!any_train) return Status(StatusCode::kInvalidArgument, "no data folder has photos in the split train");
  return folders;
}

/// Computes features, or finds them in the cache.
class FeatureSource {
 public:
  FeatureSource(const TrainingSetOptions& options, const Safetensors& encoder, Executor& executor,
                const FeatureProgress& progress)
      : options_(options), encoder_(encoder), executor_(executor), progress_(progress) {}

  Result<PhotoFiles> photos(const DataFolder& folder, const std::vector<CaptionedPhoto>& photos) const {
    std::vector<std::string> paths;
    for (const CaptionedPhoto& photo : photos) paths.push_back(folder.photo_path(photo));
    return read_photo_files(std::move(paths), executor_);
  }
  Result<FeatureFile> features(const PhotoFiles& photos, int crop) const {
    return cached_features({photos, options_.squares, crop, options_.cache}, encoder_, executor_, progress_);
  }

 private:
  const TrainingSetOptions& options_;
  const Safetensors& encoder_;
  Executor& executor_;
  const FeatureProgress& progress_;
};

/// The views of a folder's train photos, as files that `set` owns from now on.
Result<std::vector<const FeatureFile*>> add_views(const DataFolder& folder, int crops,
                                                  const FeatureSource& source, TrainingSet& set) {
  const Result<PhotoFiles> photos = source.photos(folder, folder.train);
  if (!photos.ok()) return photos.status();
  std::vector<const FeatureFile*> views;
  for (int crop = 0; crop <= crops; ++crop) {
    Result<FeatureFile> features = source.features(photos.value(), crop);
    if (!features.ok()) return features.status();
    set.features.push_back(std::move(features).value());
    views.push_back(&set.features.back());
  }
  return views;
}

WordTable table_of(const Vocabulary& vocabulary) {
  WordTable table;
  for (const std::string& word : vocabulary.words()) table.intern(word);
  return table;
}

}  // namespace

TrainingPhoto make_training_photo(const CaptionedPhoto& photo, const Vocabulary& vocabulary,
                                  WordTable& words) {
  TrainingPhoto result;
  result.sided = photo.sided;
  for (const std::vector<std::string>& caption : photo.words) {
    result.captions.push_back(vocabulary.encode(caption));
    result.references.push_back(words.intern(caption));
    result.references.back().push_back(Vocabulary::kEnd);
  }
  return result;
}

ValidationSet make_validation_set(const DataFolder& folder, const std::vector<CaptionedPhoto>& photos,
                                  const FeatureFile& features) {
  ValidationSet set;
  set.name = folder.name;
  set.features = &features;
  for (const CaptionedPhoto& photo : photos) {
    set.images.push_back(photo.image);
    set.references[photo.image] = photo.texts;
  }
  return set;
}

Result<TrainingSet> make_training_set(const TrainingSetOptions& options, const Safetensors& encoder,
                                      Executor& executor, const FeatureProgress& progress) {
  const Result<std::vector<DataFolder>> folders = read_folders(options.data);
  if (!folders.ok()) return folders.status();
  TrainingSet set{train_vocabulary(folders.value(), options.min_count), {}, {}, {}};
  if (set.vocabulary.size() == Vocabulary::kSpecials) {
    return Status(
        StatusCode::kInvalidArgument,
        fmt::format("no word of the train captions comes up {} times (--min-count)", options.min_count));
  }
  ContentHash captions;
  for (const DataFolder& folder : folders.value()) captions.add(fingerprint_of(folder));
  set.captions = captions.value();
  WordTable words = table_of(set.vocabulary);
  const FeatureSource source(options, encoder, executor, progress);
  for (const DataFolder& folder : folders.value()) {
    if (!folder.train.empty()) {
      const Result<std::vector<const FeatureFile*>> views = add_views(folder, options.crops, source, set);
      if (!views.ok()) return views.status();
      for (size_t i = 0; i < folder.train.size(); ++i) {
        TrainingPhoto photo = make_training_photo(folder.train[i], set.vocabulary, words);
        photo.views = views.value();
        photo.index = static_cast<int64_t>(i);
        set.photos.push_back(std::move(photo));
      }
    }
    if (!folder.val.empty()) {
      const Result<PhotoFiles> photos = source.photos(folder, folder.val);
      if (!photos.ok()) return photos.status();
      Result<FeatureFile> features = source.features(photos.value(), 0);
      if (!features.ok()) return features.status();
      set.features.push_back(std::move(features).value());
      set.validation.push_back(make_validation_set(folder, folder.val, set.features.back()));
    }
  }
  return set;
}

}  // namespace attend
