#include "cli/caption_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/printable.h"

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

}  // namespace

std::string text_row(std::string_view path, const Caption& caption) {
  return printable(path) + "\t" + text_row(caption);
}

std::string text_row(const Caption& caption) {
  return caption.text + "\n";
}

std::string json_row(std::string_view path, const Caption& caption, bool attention) {
  Json words = Json::array();
  for (const CaptionWord& word : caption.words) {
    Json row = {{"word", word.text}, {"probability", rounded(word.probability)}};
    if (attention) row["attention"] = matrix(word.attention, caption.grid);
    words.push_back(std::move(row));
  }
  const Json row = {{"file", path},
                    {"caption", caption.text},
                    {"probability", rounded(caption.probability)},
                    {"words", std::move(words)}};
  return row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace attend
