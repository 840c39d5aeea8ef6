#include "captioner/sheet_layout.h"

#include <algorithm>
#include <cmath>

namespace attend {
namespace {

constexpr double kProportions = 4.0 / 3.0;
constexpr int kNarrowestCell = 96;

int scaled(int side, int longest, int longest_side) {
  return std::max(1, static_cast<int>(std::lround(static_cast<double>(side) * longest_side / longest)));
}

double distance_from_proportions(const SheetLayout& layout) {
  return std::abs(std::log(layout.width() / (kProportions * layout.height())));
}

}  // namespace

SheetLayout lay_out_sheet(int photo_width, int photo_height, int tiles, int longest_side) {
  const int longest = std::max(photo_width, photo_height);
  SheetLayout best = {.tile_width = scaled(photo_width, longest, longest_side),
                      .tile_height = scaled(photo_height, longest, longest_side),
                      .cell_width = 0,
                      .label_height = 28,
                      .margin = 8,
                      .columns = 1,
                      .rows = tiles};
  best.cell_width = std::max(best.tile_width, kNarrowestCell);
  for (int columns = 2; columns <= tiles; ++columns) {
    SheetLayout layout = best;
    layout.columns = columns;
    layout.rows = (tiles + columns - 1) / columns;
    if (distance_from_proportions(layout) < distance_from_proportions(best)) best = layout;
  }
  return best;
}

}  // namespace attend
