#include "translation/alignment_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "drawing/heat_overlay.h"
#include "drawing/image_file.h"
#include "drawing/label.h"

namespace attend {
namespace {

constexpr int kMargin = 8, kLargestCell = 36, kSmallestCell = 6, kLongestSide = 6000, kLongestLabel = 260;
constexpr const char* kEndLabel = "(end)";

Status check_translation(const Translation& translation) {
  if (translation.words.empty()) return {StatusCode::kInvalidArgument, "a translation without words"};
  const size_t columns = translation.source_words.size() + 1;
  for (const TranslatedWord& word : translation.words) {
    if (word.attention.size() == columns) continue;
    return {StatusCode::kInvalidArgument,
            fmt::format("the word \"{}\" has {} weights where the source has {} words and its end", word.text,
                        word.attention.size(), columns - 1)};
  }
  return {};
}

int longest(const std::vector<Label>& labels) {
  int most = 0;
  for (const Label& label : labels) most = std::max(most, label.width);
  return most;
}

float largest_weight(const Translation& translation) {
  float most = 0;
  for (const TranslatedWord& word : translation.words)
    most = std::max(most, *std::ranges::max_element(word.attention));
  return most;
}

/// Leaves a line of paper between neighbours.
void fill_cell(const std::array<uint8_t, 3>& colour, int left, int top, int side, Photo& sheet) {
  for (int y = top; y < top + side - 1; ++y) {
    for (int x = left; x < left + side - 1; ++x) {
      const size_t pixel = static_cast<size_t>(y) * static_cast<size_t>(sheet.width) + static_cast<size_t>(x);
      std::ranges::copy(colour, sheet.rgb.begin() + static_cast<std::ptrdiff_t>(3 * pixel));
    }
  }
}

}  // namespace

Result<Photo> alignment_sheet(const Translation& translation) {
  ATTEND_RETURN_IF_ERROR(check_translation(translation));
  const int rows = static_cast<int>(translation.words.size()),
            columns = static_cast<int>(translation.source_words.size()) + 1;
  const int cell = std::clamp(kLongestSide / std::max(rows, columns), kSmallestCell, kLargestCell);
  const int line = cell * 2 / 3;
  std::vector<Label> before, above;
  for (const TranslatedWord& word : translation.words)
    before.push_back(render_label(word.text, line, kLongestLabel));
  for (const std::string& word : translation.source_words)
    above.push_back(render_label(word, line, kLongestLabel));
  above.push_back(render_label(kEndLabel, line, kLongestLabel));

  const int left = 2 * kMargin + longest(before), top = 2 * kMargin + longest(above);
  Photo sheet = {.width = left + columns * cell + kMargin, .height = top + rows * cell + kMargin, .rgb = {}};
  sheet.rgb.assign(size_t{3} * static_cast<size_t>(sheet.width) * static_cast<size_t>(sheet.height), 255);
  for (int c = 0; c < columns; ++c) {
    const Label label = turned(above[static_cast<size_t>(c)]);
    const int inset = std::max(0, (cell - label.width) / 2);
    if (label.width > 0 && label.width <= cell + kMargin)
      draw_label(label, left + c * cell + inset, top - kMargin - label.height, label.height, sheet);
  }
  const float scale = std::max(largest_weight(translation), 1e-6f);
  for (int r = 0; r < rows; ++r) {
    const TranslatedWord& word = translation.words[static_cast<size_t>(r)];
    const Label& label = before[static_cast<size_t>(r)];
    const int y = top + r * cell;
    draw_label(label, left - kMargin - label.width, y + std::max(0, (cell - label.height) / 2), cell, sheet);
    for (int c = 0; c < columns; ++c) {
      const double heat = static_cast<double>(word.attention[static_cast<size_t>(c)] / scale);
      fill_cell(heat_colour(heat), left + c * cell, y, cell, sheet);
    }
  }
  return sheet;
}

Status write_alignment_sheet(const std::string& path, const Translation& translation) {
  const Result<Photo> sheet = alignment_sheet(translation);
  if (!sheet.ok()) return {sheet.status().code(), path + ": " + sheet.status().message()};
  return write_image(path, sheet.value());
}

}  // namespace attend
