// Image files of the kinds that people have, made by libvips, and of the kinds that are broken, made by hand.
#ifndef ATTEND_TESTS_END_TO_END_PHOTO_FILES_H_
#define ATTEND_TESTS_END_TO_END_PHOTO_FILES_H_

#include <string>

namespace attend {

/// The content of files that all show the same picture of `kPictureWidth` x `kPictureHeight` pixels, greys
/// only and different in each corner; the lossless ones decode to exactly the same pixels.
inline constexpr int kPictureWidth = 48, kPictureHeight = 32;

std::string png_photo();
std::string grey_png_photo();
std::string sixteen_bit_png_photo();
std::string transparent_png_photo();   // white parts of the picture are see-through black
std::string spot_colour_tiff_photo();  // an opaque channel and one more behind the colours
std::string turned_tiff_photo();       // stored lying on its side, with the orientation tag that says so
std::string animated_gif_photo();      // the picture, then a black frame
std::string jpeg_photo();
std::string cmyk_jpeg_photo();

/// A PNG whose header is well-formed and announces width x height pixels of which none follow.
std::string png_header(unsigned width, unsigned height);

/// A file from the examples that come with the sources.
std::string example_photo(const std::string& name);

}  // namespace attend

#endif  // ATTEND_TESTS_END_TO_END_PHOTO_FILES_H_
