// Where the tiles of a contact sheet lie.
#ifndef ATTEND_CAPTIONER_SHEET_LAYOUT_H_
#define ATTEND_CAPTIONER_SHEET_LAYOUT_H_

namespace attend {

/// All in pixels. Cells lie in rows from the top left, with a margin around each; a cell is a tile (the
/// photo's proportions) with a band for its label below.
struct SheetLayout {
  int tile_width, tile_height;
  int cell_width;  // at least the tile's, and enough for a short word
  int label_height;
  int margin;
  int columns, rows;

  int width() const { return margin + columns * (cell_width + margin); }
  int height() const { return margin + rows * (tile_height + label_height + margin); }
  /// The top left of tile `i`, which is centred in its cell.
  int tile_left(int i) const { return cell_left(i) + (cell_width - tile_width) / 2; }
  int cell_left(int i) const { return margin + i % columns * (cell_width + margin); }
  int tile_top(int i) const { return margin + i / columns * (tile_height + label_height + margin); }
};

/// Tiles of a photo's proportions with `longest_side` pixels on the longer side, in as many columns as bring
/// the sheet closest to 4 : 3.
SheetLayout lay_out_sheet(int photo_width, int photo_height, int tiles, int longest_side);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_SHEET_LAYOUT_H_
