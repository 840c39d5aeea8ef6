#include "cli/caption_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/json_line.h"
#include "cli/printable.h"
#include "language/utf8.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

/// The number whose shortest spelling is `x` to six significant digits.
double rounded(double x) {
  const std::string digits = fmt::format("{:.6g}", x);
  std::from_chars(digits.data(), digits.data() + digits.size(), x);
  return x;
}

Json matrix(const std::vector<float>& values, int columns) {
  Json rows = Json::array();
  for (auto row = values.begin(); row != values.end(); row += columns) {
    Json numbers = Json::array();
    std::for_each(row, row + columns,
                  [&](float value) { numbers.push_back(rounded(static_cast<double>(value))); });
    rows.push_back(std::move(numbers));
  }
  return rows;
}

bool covers_all(const CaptionArea& area) {
  return area.left == 0 && area.top == 0 && area.right == 1 && area.bottom == 1;
}

Json area_json(const CaptionArea& area) {
  return {rounded(area.left), rounded(area.top), rounded(area.right), rounded(area.bottom)};
}

void add_path(const std::string& key, std::string_view path, Json& row) {
  row[key] = path;
  if (is_utf8(path)) return;
  std::string digits;
  for (const char byte : path) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  row[key + "_bytes"] = digits;
}

}  // namespace

std::string text_row(std::string_view path, const Caption& caption) {
  return printable(path) + "\t" + text_row(caption);
}

std::string text_row(const Caption& caption) {
  return printable(caption.text) + "\n";
}

std::string json_row(std::string_view path, const Caption& caption, const RowParts& parts) {
  Json words = Json::array();
  for (const CaptionWord& word : caption.words) {
    Json row = {{"word", word.text}, {"probability", rounded(word.probability)}};
    if (parts.attention) row["attention"] = matrix(word.attention, caption.grid);
    words.push_back(std::move(row));
  }
  Json row;
  add_path("file", path, row);
  row["caption"] = caption.text;
  row["probability"] = rounded(caption.probability);
  row["words"] = std::move(words);
  if (parts.tokens) row["tokens"] = caption.tokens;
  if (parts.attention && !covers_all(caption.area)) row["area"] = area_json(caption.area);
  if (parts.maps) add_path("maps", *parts.maps, row);
  return json_line(row);
}

}  // namespace attend
