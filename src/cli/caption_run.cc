#include "cli/caption_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/file_bytes.h"
#include "captioner/contact_sheet.h"
#include "cli/command.h"
#include "cli/printable.h"
#include "cli/standard_output.h"
#include "cli/stop_signals.h"

namespace attend {

CaptionRun::CaptionRun(const CaptionArguments& arguments, const Captioner& captioner,
                       std::vector<PhotoPath> photos, bool named)
    : arguments_(arguments),
      options_(caption_options(arguments)),
      captioner_(captioner),
      photos_(std::move(photos)),
      named_(named),
      bar_(static_cast<int64_t>(photos_.size()), "photos") {}

int CaptionRun::run() {
  const auto start = std::chrono::steady_clock::now();
  const bool long_enough_for_a_bar = photos_.size() > 1;
  for (const PhotoPath& photo : photos_) {
    if (stop_signal_came()) {
      bar_.finish();
      return stopped_exit_code();
    }
    if (long_enough_for_a_bar) bar_.update(done_);
    if (caption(photo) == Next::kStop) return exit_code_;
    ++done_;
  }
  if (long_enough_for_a_bar)
    summarise(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return failed_ == 0 ? kDone : kSomeFailed;
}

CaptionRun::Next CaptionRun::caption(const PhotoPath& path) {
  if (!path.status.ok()) {
    report(path.status);
    return Next::kNextPhoto;
  }
  const Result<Photo> photo = load(path.path);
  if (!photo.ok()) {
    report(photo.status());
    return Next::kNextPhoto;
  }
  const Result<Caption> caption = captioner_.caption(photo.value(), options_);
  if (!caption.ok()) {
    report({caption.status().code(), path.path + ": " + caption.status().message()});
    return Next::kNextPhoto;
  }
  RowParts parts{arguments_.attention, arguments_.tokens, std::nullopt};
  if (arguments_.maps) {
    Result<std::string> sheet = draw_maps(path.path, photo.value(), caption.value());
    if (sheet.ok()) {
      parts.maps = std::move(sheet).value();
    } else {
      report(sheet.status());
    }
  }
  return write_row(path.path, caption.value(), parts);
}

Result<Photo> CaptionRun::load(const std::string& path) const {
  if (path != kStandardInput) return load_photo(path, captioner_.longest_side());
  const StopSignalsPass pass;
  const Result<std::vector<std::byte>> bytes = read_to_end(STDIN_FILENO, path, kMostPhotoBytes);
  return bytes.ok() ? decode_photo(bytes.value(), path, captioner_.longest_side()) : bytes.status();
}

CaptionRun::Next CaptionRun::write_row(const std::string& path, const Caption& caption,
                                       const RowParts& parts) {
  bar_.clear();
  const bool json = arguments_.format == CaptionArguments::Format::kJsonLines;
  const std::string row = json     ? json_row(path, caption, parts)
                          : named_ ? text_row(path, caption)
                                   : text_row(caption);
  const StopSignalsPass pass;
  const Status status = write_standard_output(row);
  if (status.ok()) return Next::kNextPhoto;
  bar_.finish();
  exit_code_ = fail(status.message(), kSomeFailed);
  return Next::kStop;
}

Result<std::string> CaptionRun::draw_maps(const std::string& path, const Photo& photo,
                                          const Caption& caption) {
  const std::string name = map_names_.name_for(path == kStandardInput ? "stdin" : path);
  std::string sheet = (std::filesystem::path(*arguments_.maps) / name).string();
  const Status status = write_contact_sheet(sheet, photo, caption);
  if (!status.ok()) return Status(status.code(), path + ": " + status.message());
  return sheet;
}

void CaptionRun::report(const Status& status) {
  ++failed_;
  bar_.line("attend: " + printable(status.message()));
}

void CaptionRun::summarise(double seconds) {
  const bool terminal = bar_.visible();
  bar_.finish();
  if (!terminal) return;
  const std::string failures = failed_ == 0 ? "" : fmt::format(", {} failed", failed_);
  bar_.line(fmt::format("{} photos in {}{}", done_, duration_text(seconds), failures));
}

}  // namespace attend
