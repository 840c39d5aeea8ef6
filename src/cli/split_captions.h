// The captions that a model gives to the photos of a data set's split.
#ifndef ATTEND_CLI_SPLIT_CAPTIONS_H_
#define ATTEND_CLI_SPLIT_CAPTIONS_H_

#include <span>
#include <vector>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "attend/status.h"
#include "cli/command.h"
#include "evaluation/captions_file.h"
#include "training/dataset.h"

namespace attend {

struct SplitCaptions {
  std::vector<CandidateCaption> captions;  // of the photos in their order, up to what ended the work
  int exit_code = kDone;
};

/// Whether every photo of the split is there. Errors: kNotFound with the path of the first that is not.
Status check_photos(const DataFolder& folder, std::span<const CaptionedPhoto> photos);

/// Captions them, until a photo cannot be read, which it says on standard error, or a stop signal comes.
SplitCaptions caption_split(const DataFolder& folder, std::span<const CaptionedPhoto> photos,
                            const Captioner& captioner, const CaptionOptions& options, Executor& executor);

}  // namespace attend

#endif  // ATTEND_CLI_SPLIT_CAPTIONS_H_
