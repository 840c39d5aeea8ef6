// JSON as the program prints it.
#ifndef ATTEND_CLI_JSON_LINE_H_
#define ATTEND_CLI_JSON_LINE_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace attend {

/// `json` as one line with its end. Bytes that are not UTF-8 become U+FFFD; every control character is
/// spelled "\u00XX", those too that JSON would leave raw (U+007F to U+009F): a terminal obeys some of them.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace attend

#endif  // ATTEND_CLI_JSON_LINE_H_
