// Pixels as image files.
#ifndef ATTEND_DRAWING_IMAGE_FILE_H_
#define ATTEND_DRAWING_IMAGE_FILE_H_

#include <string>

#include "attend/status.h"
#include "vision/photo.h"

namespace attend {

/// Whether images can be written under this name. Errors: kUnsupported, which begins with the path.
Status check_image_name(const std::string& path);

/// Writes a PNG or a JPEG (quality 90), by the name's ".png", ".jpg" or ".jpeg" in any case, atomically.
/// Errors: those of check_image_name(), kInvalidArgument for pixels that are not width * height * 3 bytes,
/// kIo (a full disk, say), kNotFound; each begins with the path, and nothing is left behind.
Status write_image(const std::string& path, const Photo& pixels);

}  // namespace attend

#endif  // ATTEND_DRAWING_IMAGE_FILE_H_
