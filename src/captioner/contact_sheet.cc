#include "captioner/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "captioner/attention_map.h"
#include "captioner/sheet_layout.h"
#include "drawing/heat_overlay.h"
#include "drawing/image_file.h"
#include "drawing/label.h"
#include "vision/resize.h"

namespace attend {
namespace {

constexpr uint8_t kPaper = 255;

Status check_sheet(const Photo& photo, const Caption& caption, const ContactSheetOptions& options) {
  if (photo.width < 1 || photo.height < 1 ||
      photo.rgb.size() != size_t{3} * static_cast<size_t>(photo.width) * static_cast<size_t>(photo.height)) {
    return {StatusCode::kInvalidArgument, fmt::format("a photo of {} x {} pixels does not have {} bytes",
                                                      photo.width, photo.height, photo.rgb.size())};
  }
  if (options.tile_side < 16 || options.tile_side > 2048) {
    return {StatusCode::kInvalidArgument,
            fmt::format("tile_side is {}, and must be from 16 to 2048", options.tile_side)};
  }
  const CaptionArea& area = caption.area;
  const bool inside = area.left >= 0 && area.left < area.right && area.right <= 1 && area.top >= 0 &&
                      area.top < area.bottom && area.bottom <= 1;
  if (!inside) {
    return {StatusCode::kInvalidArgument,
            fmt::format("the caption's area, {} to {} by {} to {}, is no part of a photo", area.left,
                        area.right, area.top, area.bottom)};
  }
  const size_t patches = static_cast<size_t>(caption.grid) * static_cast<size_t>(caption.grid);
  for (const CaptionWord& word : caption.words) {
    if (word.attention.size() == patches && patches > 0) continue;
    return {StatusCode::kInvalidArgument,
            fmt::format("the word \"{}\" has a map of {} patches where the grid has {}", word.text,
                        word.attention.size(), patches)};
  }
  return {};
}

/// Copies `tile` into `sheet` with its top left at (left, top).
void place(const Photo& tile, int left, int top, Photo& sheet) {
  const size_t row_bytes = static_cast<size_t>(tile.width) * 3;
  for (int y = 0; y < tile.height; ++y) {
    const size_t to =
        (static_cast<size_t>(top + y) * static_cast<size_t>(sheet.width) + static_cast<size_t>(left)) * 3;
    std::copy_n(tile.rgb.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(y) * row_bytes), row_bytes,
                sheet.rgb.begin() + static_cast<std::ptrdiff_t>(to));
  }
}

/// Writes the label in the middle of the band below tile `i`, cut at the band's edges.
void place_label(const Label& label, int i, const SheetLayout& layout, Photo& sheet) {
  const int left = layout.cell_left(i) + (layout.cell_width - label.width) / 2;
  const int top =
      layout.tile_top(i) + layout.tile_height + std::max(0, (layout.label_height - label.height) / 2);
  draw_label(label, left, top, layout.label_height, sheet);
}

/// A word's map over a whole tile: cold where the model does not see, or all over when it looked nowhere.
std::vector<float> map_of_tile(const CaptionWord& word, const Caption& caption, int width, int height) {
  std::vector<float> map(static_cast<size_t>(width) * static_cast<size_t>(height));
  if (is_diffuse(word.attention)) return map;
  const auto pixel = [](double share, int side) { return static_cast<int>(std::lround(share * side)); };
  const int left = std::min(pixel(caption.area.left, width), width - 1);
  const int top = std::min(pixel(caption.area.top, height), height - 1);
  const int seen_width = std::max(pixel(caption.area.right, width) - left, 1);
  const int seen_height = std::max(pixel(caption.area.bottom, height) - top, 1);
  const std::vector<float> seen = upsample_map(word.attention, caption.grid, seen_width, seen_height);
  for (int y = 0; y < seen_height; ++y) {
    std::copy_n(seen.begin() + static_cast<std::ptrdiff_t>(y) * seen_width, seen_width,
                map.begin() + static_cast<std::ptrdiff_t>(top + y) * width + left);
  }
  return map;
}

/// The tile with a word's map over it.
Photo with_map(Photo tile, const CaptionWord& word, const Caption& caption, double scale) {
  overlay_heat(map_of_tile(word, caption, tile.width, tile.height), scale, tile);
  return tile;
}

}  // namespace

Result<Photo> contact_sheet(const Photo& photo, const Caption& caption, const ContactSheetOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_sheet(photo, caption, options));
  const int tiles = static_cast<int>(caption.words.size()) + 1;
  const SheetLayout layout = lay_out_sheet(photo.width, photo.height, tiles, options.tile_side);
  Photo sheet = {.width = layout.width(), .height = layout.height(), .rgb = {}};
  sheet.rgb.assign(size_t{3} * static_cast<size_t>(sheet.width) * static_cast<size_t>(sheet.height), kPaper);

  const Photo tile = resize_bicubic(photo, layout.tile_width, layout.tile_height);
  place(tile, layout.tile_left(0), layout.tile_top(0), sheet);
  const double scale = colour_scale(caption);
  const int line = layout.label_height * 4 / 5;
  for (int i = 1; i < tiles; ++i) {
    const CaptionWord& word = caption.words[static_cast<size_t>(i) - 1];
    place(with_map(tile, word, caption, scale), layout.tile_left(i), layout.tile_top(i), sheet);
    const std::string text = is_diffuse(word.attention) ? word.text + " (diffuse)" : word.text;
    place_label(render_label(text, line, layout.cell_width), i, layout, sheet);
  }
  return sheet;
}

Status write_contact_sheet(const std::string& path, const Photo& photo, const Caption& caption,
                           const ContactSheetOptions& options) {
  const Result<Photo> sheet = contact_sheet(photo, caption, options);
  if (!sheet.ok()) return {sheet.status().code(), path + ": " + sheet.status().message()};
  return write_image(path, sheet.value());
}

}  // namespace attend
