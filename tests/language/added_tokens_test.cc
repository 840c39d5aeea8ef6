#include "language/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attend {
namespace {

/// The parts of `text` in brackets, and the numbers of the tokens between them.
std::string split(const std::vector<AddedToken>& tokens, const std::string& text) {
  std::string parts;
  AddedTokens(tokens).split(
      text, [&](std::string_view part) { parts.append("[").append(part).append("]"); },
      [&](int32_t id) { parts += std::to_string(id); });
  return parts;
}

TEST(AddedTokens, TheFirstIsFoundAndOfThoseTheLongest) {
  const std::vector<AddedToken> tokens = {
      {.text = "ab", .id = 1}, {.text = "abc", .id = 2}, {.text = "bcd", .id = 3}, {.text = "", .id = 4}};
  EXPECT_EQ(split(tokens, "xabcdaby"), "[x]2[d]1[y]");
  EXPECT_EQ(split(tokens, "abab"), "11");
  EXPECT_EQ(split(tokens, "bcd"), "3");
  EXPECT_EQ(split(tokens, "none"), "[none]");
  EXPECT_EQ(split(tokens, ""), "");
  EXPECT_EQ(split({}, "ab"), "[ab]");
}

TEST(AddedTokens, TakeTheBlanksBesideThem) {
  const std::vector<AddedToken> tokens = {{.text = "<l>", .id = 1, .strips_left = true},
                                          {.text = "<r>", .id = 2, .strips_right = true}};
  EXPECT_EQ(split(tokens, "a \u3000<l> b"), "[a]1[ b]");
  EXPECT_EQ(split(tokens, "a <r> \u3000b"), "[a ]2[b]");
  EXPECT_EQ(split(tokens, "<r> <l>"), "21");  // the blank goes once
  EXPECT_EQ(split(tokens, "  <l>"), "1");
  EXPECT_EQ(split(tokens, "<r>  "), "2");
}

TEST(AddedTokens, OfSingleWordsStandAlone) {
  const std::vector<AddedToken> tokens = {{.text = "cat", .id = 1, .single_word = true}};
  EXPECT_EQ(split(tokens, "cat, cats cat"), "1[, cats ]1");
  EXPECT_EQ(split(tokens, "_cat \u00e9cat cat\u0301 cat-"), "[_cat \u00e9cat cat\u0301 ]1[-]");
}

TEST(AddedTokens, AreFoundInTimeHoweverManyThereAre) {
  std::vector<AddedToken> tokens;
  for (int i = 0; i < 10000; ++i) tokens.push_back({.text = "<" + std::to_string(i) + ">", .id = i});
  std::string text, expected;
  for (int i = 0; i < 2000; ++i) {
    text += "<77>";
    expected += "77";
  }
  EXPECT_EQ(split(tokens, text), expected);
}

}  // namespace
}  // namespace attend
