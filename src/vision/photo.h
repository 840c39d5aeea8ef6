// From a file of any common format to upright RGB pixels.
#ifndef ATTEND_VISION_PHOTO_H_
#define ATTEND_VISION_PHOTO_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attend/status.h"

namespace attend {

/// Of a photo's file: the most pixels that decode_photo() takes, with eight bytes each.
inline constexpr size_t kMostPhotoBytes = size_t{1} << 31;

/// An upright photograph: 8-bit sRGB, rows from the top, three bytes a pixel.
struct Photo {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]
};

/// Whether the pixels are as many as width and height say, and some. Errors: kInvalidArgument with all three.
Status check_pixels(const Photo& photo);

/// Pixels of a photo's longer side, unless more are asked for: several times what a model of this project
/// looks at, and little memory.
inline constexpr int kLongestPhotoSide = 2048;

/// Decodes a photo: first frame, orientation applied, to sRGB by its colour profile (grey, CMYK and 16 bit
/// too), alpha laid on white, channels that are neither colour nor alpha left out. A photo larger than
/// `longest_side` on either side is shrunk, keeping its proportions, while it is decoded where the format
/// allows (JPEG, WebP), so that 100-megapixel files cost little memory. Formats: JPEG, PNG, WebP, GIF, TIFF,
/// HEIC and AVIF, as far as this libvips has decoders that it trusts. Errors: kNotFound, kIo, kCorrupt
/// (empty, truncated, not an image), kUnsupported (more than 2^28 pixels or kMostPhotoBytes, a decoder that
/// libvips does not trust, channels that are no known colours), kInvalidArgument (a folder); each message is
/// one line that begins with the path. Reentrant. The first call starts libvips for the process.
Result<Photo> load_photo(const std::string& path, int longest_side = kLongestPhotoSide);

/// The same from the bytes of a file; `name` stands in messages.
Result<Photo> decode_photo(std::span<const std::byte> bytes, const std::string& name,
                           int longest_side = kLongestPhotoSide);

/// Squashes a photo to side x side, not keeping its proportions, with the antialiased bicubic filter (a =
/// -0.5) that Pillow's BICUBIC is: two passes, horizontal first, rounded to 8 bits between and after.
Photo squash(const Photo& photo, int side);

}  // namespace attend

#endif  // ATTEND_VISION_PHOTO_H_
