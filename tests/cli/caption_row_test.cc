#include "cli/caption_row.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace attend {
namespace {

Caption dog() {
  Caption caption;
  caption.text = "a man's dog";
  caption.probability = 1.23456789e-9;
  caption.grid = 2;
  caption.words = {{"a", 0.987654321, {0.1f, 0.2f, 0.3f, 0.4f}},
                   {"man's", 0.5, {1, 0, 0, 0}},
                   {"dog", 1, {0.25f, 0.25f, 0.25f, 0.25f}}};
  return caption;
}

TEST(CaptionRow, TextIsTheCaptionAndThePathInFrontWhereThereIsOne) {
  EXPECT_EQ(text_row(dog()), "a man's dog\n");
  EXPECT_EQ(text_row("b\t1/\n.jpg", dog()), "b\\t1/\\n.jpg\ta man's dog\n");
}

TEST(CaptionRow, AModelsWordsNeitherSteerTheTerminalNorBreakRowsApart) {
  Caption caption = dog();
  caption.text =
      "a \x1b]0;owned\x07"
      "dog\nb.jpg\ta \u009b31mcat, d\u00e9j\u00e0 vu";
  const std::string row = "a \\x1b]0;owned\\x07dog\\nb.jpg\\ta \\u009b31mcat, d\u00e9j\u00e0 vu\n";
  EXPECT_EQ(text_row(caption), row);
  EXPECT_EQ(text_row("a.jpg", caption), "a.jpg\t" + row);
  EXPECT_EQ(nlohmann::json::parse(json_row("a.jpg", caption, {}))["caption"], caption.text);
}

TEST(CaptionRow, JsonHasItsKeysInOrderAndSixDigits) {
  EXPECT_EQ(
      json_row("a.jpg", dog(), {.attention = false}),
      R"({"file":"a.jpg","caption":"a man's dog","probability":1.23457e-09,"words":[)"
      R"({"word":"a","probability":0.987654},{"word":"man's","probability":0.5},{"word":"dog","probability":1.0}]})"
      "\n");
}

TEST(CaptionRow, AttentionIsAMatrixRowByRow) {
  const nlohmann::json row = nlohmann::json::parse(json_row("a.jpg", dog(), {.attention = true}));
  EXPECT_EQ(row["words"][0]["attention"], nlohmann::json::parse("[[0.1,0.2],[0.3,0.4]]"));
  EXPECT_EQ(row["words"][2]["attention"], nlohmann::json::parse("[[0.25,0.25],[0.25,0.25]]"));
}

TEST(CaptionRow, AnyNameMakesValidJsonOfOneLine) {
  for (const std::string name : {"two\nlines", "\"quoted\\", "caf\xc3\xa9", "latin1 \xe9", "\x01\x7f"}) {
    const std::string line = json_row(name, dog(), {.attention = false});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  EXPECT_EQ(nlohmann::json::parse(json_row("two\nlines", dog(), {.attention = false}))["file"], "two\nlines");
}

TEST(CaptionRow, ANameThatIsNotUtf8IsThereInBytesToo) {
  const nlohmann::json row = nlohmann::json::parse(json_row("a\xe9", dog(), {.maps = "m/a\xe9.maps.png"}));
  EXPECT_EQ(row["file"], "a\ufffd");
  EXPECT_EQ(row["file_bytes"], "61e9");
  EXPECT_EQ(row["maps"], "m/a\ufffd.maps.png");
  EXPECT_EQ(row["maps_bytes"], "6d2f61e92e6d6170732e706e67");
  EXPECT_FALSE(nlohmann::json::parse(json_row("\u00e9", dog(), {})).contains("file_bytes"));
}

TEST(CaptionRow, ANumberThatIsNoneBecomesNull) {
  Caption caption = dog();
  caption.probability = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(
      nlohmann::json::parse(json_row("a.jpg", caption, {.attention = false}))["probability"].is_null());
}

TEST(CaptionRow, ACaptionWithoutWordsIsARowAllTheSame) {
  EXPECT_EQ(json_row("a.jpg", Caption(), {.attention = true}),
            R"({"file":"a.jpg","caption":"","probability":0.0,"words":[]})"
            "\n");
  EXPECT_EQ(text_row("a.jpg", Caption()), "a.jpg\t\n");
}

TEST(JsonRow, HasTokensAndAreaWhereTheyAreAskedForAndSaySomething) {
  Caption caption = dog();
  caption.tokens = {101, 7, 102};
  const auto parsed = [&](const RowParts& parts) {
    return nlohmann::json::parse(json_row("a.jpg", caption, parts));
  };
  EXPECT_EQ(parsed({.tokens = true})["tokens"], nlohmann::json({101, 7, 102}));
  EXPECT_FALSE(parsed({.attention = true}).contains("tokens"));
  EXPECT_FALSE(parsed({.attention = true}).contains("area"));
  caption.area = {0.25, 0, 0.75, 1};
  EXPECT_EQ(parsed({.attention = true})["area"], nlohmann::json({0.25, 0.0, 0.75, 1.0}));
  EXPECT_FALSE(parsed({}).contains("area"));
}

}  // namespace
}  // namespace attend
