#include "cli/json_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonLine, ControlCharactersAreSpelledOutAndReadBack) {
  const Json json = {{"a\u009bb", "\x1b[31m\x7f \u0080 \u009f"}};
  const std::string line = json_line(json);
  EXPECT_EQ(line, "{\"a\\u009bb\":\"\\u001b[31m\\u007f \\u0080 \\u009f\"}\n");
  EXPECT_EQ(Json::parse(line), json);
}

TEST(JsonLine, EverythingElseIsLeftAlone) {
  EXPECT_EQ(json_line({{"file", "Plage d'été 海\u00a0.jpg"}, {"n", 2}}),
            "{\"file\":\"Plage d'été 海\u00a0.jpg\",\"n\":2}\n");
  EXPECT_EQ(json_line("latin1 \xe9, and \xc2"), "\"latin1 \ufffd, and \ufffd\"\n");
}

}  // namespace
}  // namespace attend
