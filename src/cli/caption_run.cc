#include "cli/caption_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "captioner/contact_sheet.h"
#include "cli/caption_row.h"
#include "cli/command.h"
#include "cli/printable.h"
#include "cli/standard_output.h"

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
  const Result<Photo> photo = load_photo(path.path, captioner_.longest_side());
  if (!photo.ok()) {
    report(photo.status());
    return Next::kNextPhoto;
  }
  const Result<Caption> caption = captioner_.caption(photo.value(), options_);
  if (caption.status().code() == StatusCode::kInvalidArgument) {
    // The photo is a good one: it is the options that this model cannot follow, for no photo.
    bar_.finish();
    exit_code_ = fail("caption: " + in_option_names(caption.status().message()), kUsageError);
    return Next::kStop;
  }
  if (!caption.ok()) {
    report({caption.status().code(), path.path + ": " + caption.status().message()});
    return Next::kNextPhoto;
  }
  if (arguments_.maps) {
    if (Status status = draw_maps(path.path, photo.value(), caption.value()); !status.ok()) report(status);
  }
  return say(path.path, caption.value());
}

CaptionRun::Next CaptionRun::say(const std::string& path, const Caption& caption) {
  bar_.clear();
  const bool json = arguments_.format == CaptionArguments::Format::kJsonLines;
  const Status status =
      write_standard_output(json     ? json_row(path, caption, {arguments_.attention, arguments_.tokens})
                            : named_ ? text_row(path, caption)
                                     : text_row(caption));
  if (status.ok()) return Next::kNextPhoto;
  bar_.finish();
  exit_code_ = fail(status.message(), kSomeFailed);
  return Next::kStop;
}

Status CaptionRun::draw_maps(const std::string& path, const Photo& photo, const Caption& caption) {
  const std::filesystem::path folder(*arguments_.maps);
  const Status status = write_contact_sheet((folder / map_names_.name_for(path)).string(), photo, caption);
  if (status.ok()) return {};
  return {status.code(), path + ": " + status.message()};
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
