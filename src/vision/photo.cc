#include "vision/photo.h"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vips/vips8>

#include "base/file_bytes.h"
#include "vision/resize.h"
#include "vision/tiff_samples.h"

namespace attend {
namespace {

using vips::VImage;

/// The largest phone sensors give 200 megapixels; a file that announces more is a mistake or an attack.
constexpr int64_t kMostPixels = int64_t{1} << 28;

/// Starts libvips, once for the process. Its cache of operations keeps images alive and knows buffers by
/// their address, which the next file may get: it is turned off. Its warnings would go to standard error.
bool start_vips() {
  static const bool started = [] {
    if (VIPS_INIT("attend") != 0) return false;
    vips_cache_set_max(0);
    g_log_set_handler(
        "VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG),
        [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    return true;
  }();
  return started;
}

/// The first line of what libvips has to say, without its trailing blanks.
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

/// Whether the bytes are of a format whose decoder libvips trusts with files from strangers. ImageMagick, its
/// last resort for whatever nothing else knows, is none of those.
Status check_format(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) return {StatusCode::kCorrupt, name + ": the file is empty"};
  const char* loader = vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  vips_error_clear();
  if (loader == nullptr || std::string_view(loader).starts_with("VipsForeignLoadMagick")) {
    return {StatusCode::kCorrupt, name + ": not an image of a format that is known here"};
  }
  void* type = g_type_class_ref(g_type_from_name(loader));
  const bool trusted = (VIPS_OPERATION_CLASS(type)->flags & VIPS_OPERATION_UNTRUSTED) == 0;
  const std::string format = VIPS_OBJECT_CLASS(type)->nickname;
  g_type_class_unref(type);
  if (trusted) return {};
  return {StatusCode::kUnsupported, name + ": an image of the format " +
                                        format.substr(0, format.find("load")) +
                                        ", whose decoder is not safe with files from strangers"};
}

Status check_size(int64_t width, int64_t height, const std::string& name) {
  if (width > 0 && height > 0 && width <= kMostPixels / height) return {};
  return {StatusCode::kUnsupported, name + ": " + std::to_string(width) + " x " + std::to_string(height) +
                                        " pixels, more than " + std::to_string(kMostPixels)};
}

/// How many channels the colours of such images have.
int colour_channels(VipsInterpretation space) {
  switch (space) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
      return 1;
    case VIPS_INTERPRETATION_CMYK:
      return 4;
    default:
      return 3;
  }
}

VipsInterpretation space_of(const VImage& image) {
  return vips_image_guess_interpretation(image.get_image());
}

/// Channels as numbers, where the file keeps several in a word.
VImage unpacked(const VImage& image) {
  if (image.coding() == VIPS_CODING_LABQ) return image.LabQ2Lab();
  return image.coding() == VIPS_CODING_RAD ? image.rad2float() : image;
}

/// Three bytes of sRGB a pixel.
VImage in_srgb(VImage image) {
  if (space_of(image) != VIPS_INTERPRETATION_sRGB) image = image.colourspace(VIPS_INTERPRETATION_sRGB);
  return image.format() == VIPS_FORMAT_UCHAR ? image : image.cast(VIPS_FORMAT_UCHAR);
}

/// The colours, and after them the transparency if there is one: extra channels that mean something else are
/// left out.
VImage colours_and_alpha(const VImage& image, std::span<const std::byte> file) {
  const int colours = colour_channels(space_of(image)), extra = image.bands() - colours;
  if (extra <= 0) return image;
  const VImage opaque = image.extract_band(0, VImage::option()->set("n", colours));
  const std::optional<int> alpha = transparent_extra_sample(file);
  return alpha && *alpha < extra ? opaque.bandjoin(image.extract_band(colours + *alpha)) : opaque;
}

/// The transparency as bytes: 255 is opaque.
VImage alpha_bytes(const VImage& alpha) {
  switch (alpha.format()) {
    case VIPS_FORMAT_UCHAR:
      return alpha;
    case VIPS_FORMAT_SHORT:  // of Lab in 16 bits, whose colours have signs
      return alpha_bytes(alpha.copy(VImage::option()->set("format", VIPS_FORMAT_USHORT)));
    case VIPS_FORMAT_USHORT:
      return (alpha / 257.0).rint().cast(VIPS_FORMAT_UCHAR);
    case VIPS_FORMAT_UINT:
      return (alpha / 16843009.0).rint().cast(VIPS_FORMAT_UCHAR);
    default:  // 1 is opaque
      return (alpha * 255.0).rint().cast(VIPS_FORMAT_UCHAR);
  }
}

/// The number that is white, and opaque, of an image whose channels all have one; none of others.
std::optional<double> white_of(const VImage& image) {
  const VipsInterpretation space = space_of(image);
  const bool sixteen_bit = space == VIPS_INTERPRETATION_RGB16 || space == VIPS_INTERPRETATION_GREY16;
  if (sixteen_bit && image.format() == VIPS_FORMAT_USHORT) return 65535.0;
  const bool eight_bit = space == VIPS_INTERPRETATION_sRGB || space == VIPS_INTERPRETATION_B_W;
  return eight_bit && image.format() == VIPS_FORMAT_UCHAR ? std::optional(255.0) : std::nullopt;
}

/// Colours laid on white where they are transparent. Before any resampling, so that invisible colours do not
/// bleed into visible ones.
VImage on_white(const VImage& image) {
  const int colours = colour_channels(space_of(image));
  if (image.bands() <= colours) return image;
  if (const std::optional<double> white = white_of(image)) {
    return image.flatten(VImage::option()->set("background", *white)->set("max_alpha", *white));
  }
  const VImage opaque = in_srgb(image.extract_band(0, VImage::option()->set("n", colours)));
  return on_white(opaque.bandjoin(alpha_bytes(image.extract_band(colours))));
}

/// Three bytes of sRGB a pixel, by the photo's own colour profile where it has one that can be used.
VImage to_srgb(VImage image) {
  if (image.get_typeof(VIPS_META_ICC_NAME) != 0) {
    try {
      image = image.icc_transform("srgb", VImage::option()->set("embedded", true)->set("depth", 8));
    } catch (const vips::VError&) {
      vips_error_clear();  // a broken profile: show the photo as if it had none
    }
  }
  return in_srgb(image);
}

/// One thread for each photo: with more, libvips takes its result when the first of them finds no further
/// strip, and an error that another still runs into in the last ones is lost: a file cut near its end would
/// be a photo with a grey foot.
VImage open(std::span<const std::byte> bytes, vips::VOption* options) {
  VImage image = VImage::new_from_buffer(
      bytes.data(), bytes.size(), "",
      options->set("access", VIPS_ACCESS_SEQUENTIAL)->set("fail_on", VIPS_FAIL_ON_TRUNCATED));
  image.set(VIPS_META_CONCURRENCY, 1);
  return image;
}

/// The photo at the smallest size that its decoder can give, but not below `longest_side`. JPEG decodes to a
/// half, a quarter or an eighth by leaving out high frequencies; WebP scales as it goes. Both would round a
/// side of very few pixels to none, and libvips aborts on that.
VImage open_shrunk(std::span<const std::byte> bytes, const VImage& header, int longest_side) {
  const std::string loader = header.get_string("vips-loader");
  const double ratio = static_cast<double>(std::max(header.width(), header.height())) / longest_side;
  const bool sliver = std::min(header.width(), header.height()) < std::max(8.0, 2.0 * ratio);
  if (ratio > 1.0 && !sliver && loader.starts_with("webp")) {
    return open(bytes, VImage::option()->set("scale", 1.0 / ratio));
  }
  if (ratio >= 2.0 && !sliver && loader.starts_with("jpeg")) {
    return open(bytes, VImage::option()->set("shrink", ratio >= 8.0 ? 8 : ratio >= 4.0 ? 4 : 2));
  }
  return open(bytes, VImage::option());
}

/// At most `longest_side` pixels on the longer side and at least one on the shorter.
VImage shrunk(const VImage& image, int longest_side) {
  const int longest = std::max(image.width(), image.height());
  if (longest <= longest_side) return image;
  const double scale = static_cast<double>(longest_side) / longest;
  return image.resize(std::max(scale, 1.0 / image.width()),
                      VImage::option()->set("vscale", std::max(scale, 1.0 / image.height())));
}

VImage upright(const VImage& image) {
  const bool turned =
      image.get_typeof(VIPS_META_ORIENTATION) != 0 && image.get_int(VIPS_META_ORIENTATION) > 1;
  // Turning needs the rows in another order than they come.
  return turned ? image.copy_memory().autorot() : image;
}

Status unknown_colours(int channels, const std::string& name) {
  return {StatusCode::kUnsupported,
          name + ": an image of " + std::to_string(channels) + " channels that are no known colours"};
}

/// Throws vips::VError.
Result<Photo> decode(std::span<const std::byte> bytes, const std::string& name, int longest_side) {
  const VImage header = open(bytes, VImage::option());
  ATTEND_RETURN_IF_ERROR(check_size(header.width(), header.height(), name));
  if (!vips_colourspace_issupported(header.get_image())) return unknown_colours(header.bands(), name);
  const VImage opened = unpacked(open_shrunk(bytes, header, longest_side));
  const VImage opaque = on_white(colours_and_alpha(opened, bytes));
  const VImage image = upright(to_srgb(shrunk(opaque, longest_side)));
  if (image.bands() != 3 || image.format() != VIPS_FORMAT_UCHAR) {
    return unknown_colours(header.bands(), name);
  }
  size_t size = 0;
  using Pixels = std::unique_ptr<void, void (*)(void*)>;
  const Pixels pixels(image.write_to_memory(&size), g_free);
  const uint8_t* first = static_cast<const uint8_t*>(pixels.get());
  return Photo{image.width(), image.height(), std::vector<uint8_t>(first, first + size)};
}

}  // namespace

Result<Photo> load_photo(const std::string& path, int longest_side) {
  const Result<std::vector<std::byte>> file = read_file(path, kMostPhotoBytes);
  return file.ok() ? decode_photo(file.value(), path, longest_side) : file.status();
}

Result<Photo> decode_photo(std::span<const std::byte> bytes, const std::string& name, int longest_side) {
  if (longest_side < 1) {
    return Status(StatusCode::kInvalidArgument,
                  name + ": longest side " + std::to_string(longest_side) + " must be at least 1");
  }
  if (!start_vips()) return Status(StatusCode::kUnsupported, name + ": libvips does not start");
  ATTEND_RETURN_IF_ERROR(check_format(bytes, name));
  try {
    return decode(bytes, name, longest_side);
  } catch (const vips::VError& error) {
    const std::string reason = first_line(error.what());
    vips_error_clear();
    return Status(StatusCode::kCorrupt, name + ": truncated or damaged (" + reason + ")");
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, name + ": no memory for its pixels");
  }
}

Status check_pixels(const Photo& photo) {
  const bool sized = photo.width > 0 && photo.height > 0;
  if (sized &&
      photo.rgb.size() == size_t{3} * static_cast<size_t>(photo.width) * static_cast<size_t>(photo.height)) {
    return {};
  }
  return {StatusCode::kInvalidArgument, "a photo of " + std::to_string(photo.width) + " x " +
                                            std::to_string(photo.height) + " pixels does not have " +
                                            std::to_string(photo.rgb.size()) + " bytes"};
}

Photo squash(const Photo& photo, int side) {
  return resize_bicubic(photo, side, side);
}

}  // namespace attend
