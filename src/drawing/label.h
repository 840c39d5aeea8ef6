// Words as pixels.
#ifndef ATTEND_DRAWING_LABEL_H_
#define ATTEND_DRAWING_LABEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "vision/photo.h"

namespace attend {

/// How much ink each pixel has, 0 to 255; [height, width].
struct Label {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> ink;
};

/// One line of text, rendered by Pango in DejaVu Sans or the nearest font that the machine has, about
/// `height` pixels high, on a common baseline; cut with an ellipsis past `most_width`. Empty when the text is
/// empty or the machine has no fonts at all.
Label render_label(const std::string& text, int height, int most_width);

/// The label as it reads from below upwards.
Label turned(const Label& label);

/// Inks the label, but no more than its first `most_height` rows, onto white paper with its top left at
/// (left, top), where there must be room.
void draw_label(const Label& label, int left, int top, int most_height, Photo& paper);

}  // namespace attend

#endif  // ATTEND_DRAWING_LABEL_H_
