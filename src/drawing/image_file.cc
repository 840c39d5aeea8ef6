#include "drawing/image_file.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vips/vips8>

#include "base/atomic_file.h"

namespace attend {
namespace {

/// ".png" or ".jpg" in lower case for a name that ends so; empty for any other.
std::string_view format_of(const std::string& path) {
  std::string end =
      path.substr(path.find_last_of('.') == std::string::npos ? path.size() : path.find_last_of('.'));
  std::ranges::transform(end, end.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (end == ".png") return ".png";
  if (end == ".jpg" || end == ".jpeg") return ".jpg";
  return {};
}

/// The first line of libvips's complaint.
std::string complaint(const char* what) {
  const std::string_view text(what);
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

Status check_image_name(const std::string& path) {
  if (!format_of(path).empty()) return {};
  return {StatusCode::kUnsupported, path + ": images are written as .png, .jpg or .jpeg"};
}

Status write_image(const std::string& path, const Photo& pixels) {
  ATTEND_RETURN_IF_ERROR(check_image_name(path));
  const std::string_view format = format_of(path);
  const size_t bytes = size_t{3} * static_cast<size_t>(std::max(pixels.width, 0)) *
                       static_cast<size_t>(std::max(pixels.height, 0));
  if (bytes == 0 || bytes != pixels.rgb.size()) {
    return {StatusCode::kInvalidArgument, path + ": the image's pixels do not fit its size"};
  }
  if (VIPS_INIT("attend") != 0) return {StatusCode::kIo, path + ": libvips does not start"};
  try {
    // libvips takes the pixels through a pointer to non-const, and does not write to them.
    vips::VImage image = vips::VImage::new_from_memory(const_cast<uint8_t*>(pixels.rgb.data()), bytes,
                                                       pixels.width, pixels.height, 3, VIPS_FORMAT_UCHAR)
                             .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
    void* encoded = nullptr;
    size_t size = 0;
    vips::VOption* options = vips::VImage::option();
    if (format == ".jpg") options->set("Q", 90);
    image.write_to_buffer(std::string(format).c_str(), &encoded, &size, options);
    const std::unique_ptr<void, decltype(&g_free)> owner(encoded, &g_free);
    return write_file(path, std::span(static_cast<const std::byte*>(encoded), size));
  } catch (const vips::VError& error) {
    vips_error_clear();
    return {StatusCode::kIo, path + ": cannot encode the image: " + complaint(error.what())};
  }
}

}  // namespace attend
