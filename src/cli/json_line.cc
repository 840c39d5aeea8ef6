#include "cli/json_line.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/printable.h"

namespace attend {

std::string json_line(const nlohmann::ordered_json& json) {
  const std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string line;
  line.reserve(text.size() + 1);
  for (std::string_view left = text; !left.empty();) {
    const bool c1_control = begins_with_c1_control(left);
    if (c1_control) left.remove_prefix(1);
    const auto byte = static_cast<unsigned char>(left.front());
    if (c1_control || byte == 0x7f) {
      line += fmt::format("\\u{:04x}", byte);
    } else {
      line += left.front();
    }
    left.remove_prefix(1);
  }
  return line + "\n";
}

}  // namespace attend
