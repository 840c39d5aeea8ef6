#include "drawing/label.h"

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include <pango/pangoft2.h>

#include <algorithm>
#include <memory>
#include FT_FREETYPE_H

namespace attend {
namespace {

constexpr int kPaper = 255, kInk = 32;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class Object>
using GObjectPtr = std::unique_ptr<Object, Unref>;

/// Pango ends the program when there is not one font to fall back to.
bool has_fonts() {
  static const bool found = [] {
    if (!FcInit()) return false;
    const FcFontSet* fonts = FcConfigGetFonts(nullptr, FcSetSystem);
    return fonts != nullptr && fonts->nfont > 0;
  }();
  return found;
}

GObjectPtr<PangoLayout> layout_of(PangoContext* context, const std::string& text, int height,
                                  int most_width) {
  GObjectPtr<PangoLayout> layout(pango_layout_new(context));
  PangoFontDescription* font = pango_font_description_new();
  pango_font_description_set_family(font, "DejaVu Sans");
  // A line is about 1.2 times as high as its font.
  pango_font_description_set_absolute_size(font, height / 1.2 * PANGO_SCALE);
  pango_layout_set_font_description(layout.get(), font);
  pango_font_description_free(font);
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_width(layout.get(), most_width * PANGO_SCALE);
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  return layout;
}

}  // namespace

Label render_label(const std::string& text, int height, int most_width) {
  if (text.empty() || !has_fonts()) return {};
  const GObjectPtr<PangoFontMap> fonts(pango_ft2_font_map_new());
  const GObjectPtr<PangoContext> context(pango_font_map_create_context(fonts.get()));
  const GObjectPtr<PangoLayout> layout = layout_of(context.get(), text, height, most_width);
  PangoRectangle line;
  pango_layout_get_pixel_extents(layout.get(), nullptr, &line);

  Label label = {
      .width = std::clamp(line.width, 1, most_width), .height = std::max(line.height, 1), .ink = {}};
  label.ink.resize(static_cast<size_t>(label.width) * static_cast<size_t>(label.height));
  FT_Bitmap bitmap = {};
  bitmap.rows = static_cast<unsigned>(label.height);
  bitmap.width = static_cast<unsigned>(label.width);
  bitmap.pitch = label.width;
  bitmap.buffer = label.ink.data();
  bitmap.num_grays = 256;
  bitmap.pixel_mode = FT_PIXEL_MODE_GRAY;
  pango_ft2_render_layout(&bitmap, layout.get(), -line.x, -line.y);
  return label;
}

Label turned(const Label& label) {
  Label turned = {.width = label.height, .height = label.width, .ink = {}};
  turned.ink.resize(label.ink.size());
  const size_t width = static_cast<size_t>(label.width), height = static_cast<size_t>(label.height);
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) turned.ink[(width - 1 - x) * height + y] = label.ink[y * width + x];
  }
  return turned;
}

void draw_label(const Label& label, int left, int top, int most_height, Photo& paper) {
  for (int y = 0; y < std::min(label.height, most_height); ++y) {
    for (int x = 0; x < label.width; ++x) {
      const int ink =
          label.ink[static_cast<size_t>(y) * static_cast<size_t>(label.width) + static_cast<size_t>(x)];
      const size_t pixel =
          static_cast<size_t>(top + y) * static_cast<size_t>(paper.width) + static_cast<size_t>(left + x);
      std::fill_n(paper.rgb.begin() + static_cast<std::ptrdiff_t>(3 * pixel), 3,
                  static_cast<uint8_t>(kPaper - ink * (kPaper - kInk) / 255));
    }
  }
}

}  // namespace attend
