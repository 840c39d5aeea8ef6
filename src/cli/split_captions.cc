#include "cli/split_captions.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "cli/progress_bar.h"
#include "cli/stop_signals.h"
#include "vision/photo.h"

namespace attend {
namespace {

constexpr size_t kPhotosAtOnce = 16;

/// Photos of a split, decoded in parallel and captioned together: those before the first that is unreadable.
Status caption_some(const DataFolder& folder, std::span<const CaptionedPhoto> photos,
                    const Captioner& captioner, const CaptionOptions& options, Executor& executor,
                    std::vector<CandidateCaption>& captions) {
  std::vector<Photo> pixels(photos.size());
  std::vector<Status> statuses(photos.size());
  executor.for_each(static_cast<int64_t>(photos.size()), [&](int64_t i, int) {
    const size_t at = static_cast<size_t>(i);
    Result<Photo> photo = load_photo(folder.photo_path(photos[at]));
    statuses[at] = photo.status();
    if (photo.ok()) pixels[at] = std::move(photo).value();
  });
  const auto failed =
      std::find_if(statuses.begin(), statuses.end(), [](const Status& status) { return !status.ok(); });
  pixels.resize(static_cast<size_t>(failed - statuses.begin()));
  const Result<std::vector<Caption>> found = captioner.caption(pixels, options);
  if (!found.ok()) return found.status();
  for (size_t i = 0; i < pixels.size(); ++i) captions.push_back({photos[i].image, found.value()[i].text});
  return failed == statuses.end() ? Status() : *failed;
}

}  // namespace

Status check_photos(const DataFolder& folder, std::span<const CaptionedPhoto> photos) {
  for (const CaptionedPhoto& photo : photos) {
    const std::string path = folder.photo_path(photo);
    std::error_code error;
    if (std::filesystem::exists(path, error)) continue;
    if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
    return {StatusCode::kNotFound, path + ": " + error.message()};
  }
  return {};
}

SplitCaptions caption_split(const DataFolder& folder, std::span<const CaptionedPhoto> photos,
                            const Captioner& captioner, const CaptionOptions& options, Executor& executor) {
  SplitCaptions split;
  ProgressBar bar(static_cast<int64_t>(photos.size()), "photos");
  for (size_t first = 0; first < photos.size(); first += kPhotosAtOnce) {
    if (stop_signal_came()) {
      split.exit_code = stopped_exit_code();
      return split;
    }
    const size_t count = std::min(kPhotosAtOnce, photos.size() - first);
    const Status status =
        caption_some(folder, photos.subspan(first, count), captioner, options, executor, split.captions);
    if (!status.ok()) {
      bar.finish();
      split.exit_code = fail(status.message(), kSomeFailed);
      return split;
    }
    bar.update(static_cast<int64_t>(split.captions.size()));
  }
  return split;
}

}  // namespace attend
