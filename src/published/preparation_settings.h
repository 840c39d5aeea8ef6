// What a checkpoint's image processor does to a photo.
#ifndef ATTEND_PUBLISHED_PREPARATION_SETTINGS_H_
#define ATTEND_PUBLISHED_PREPARATION_SETTINGS_H_

#include <string>

#include "attend/status.h"
#include "vision/photo_preparation.h"

namespace attend {

/// Which class of image processors the folder was made for, and so what its absent fields mean.
enum class ProcessorKind { kBlip, kVit, kClip };

/// From preprocessor_config.json, or the image_processor of processor_config.json, in any of the spellings
/// that transformers 4 and 5 write; the class's defaults when the folder has neither. `image_side` is what
/// the encoder sees. Errors: kCorrupt naming file and field, and both sizes where they disagree; kUnsupported
/// for a filter that is neither bilinear nor bicubic.
Result<PhotoPreparation> read_preparation(const std::string& folder, ProcessorKind kind, int64_t image_side);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_PREPARATION_SETTINGS_H_
