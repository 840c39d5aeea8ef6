// Captions a list of photographs, one after the other, and reports each as soon as it is done.
#ifndef ATTEND_CLI_CAPTION_RUN_H_
#define ATTEND_CLI_CAPTION_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "attend/captioner.h"
#include "attend/status.h"
#include "cli/caption_arguments.h"
#include "cli/caption_row.h"
#include "cli/map_names.h"
#include "cli/photo_paths.h"
#include "cli/progress_bar.h"
#include "vision/photo.h"

namespace attend {

class CaptionRun {
 public:
  /// `named`: rows say which file they are about. The arguments and the captioner must outlive the run.
  CaptionRun(const CaptionArguments& arguments, const Captioner& captioner, std::vector<PhotoPath> photos,
             bool named);

  /// The exit code. A held stop signal ends the run before the next photo.
  int run();

 private:
  /// How the run goes on after a photo.
  enum class Next { kNextPhoto, kStop };
  Next caption(const PhotoPath& photo);
  /// Of a file, or of kStandardInput.
  Result<Photo> load(const std::string& path) const;
  Next write_row(const std::string& path, const Caption& caption, const RowParts& parts);
  /// The path of the sheet.
  Result<std::string> draw_maps(const std::string& path, const Photo& photo, const Caption& caption);
  void report(const Status& status);
  void summarise(double seconds);

  const CaptionArguments& arguments_;
  const CaptionOptions options_;
  const Captioner& captioner_;
  const std::vector<PhotoPath> photos_;
  const bool named_;
  ProgressBar bar_;
  MapNames map_names_;
  int64_t done_ = 0, failed_ = 0;
  int exit_code_ = 0;
};

}  // namespace attend

#endif  // ATTEND_CLI_CAPTION_RUN_H_
