#include "language/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace attend {
namespace {

// The encoding itself (RFC 3629, section 3).
std::string encoded(uint32_t c) {
  constexpr char32_t kFirstOfLength[] = {0, 0x80, 0x800, 0x10000};
  constexpr uint32_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  size_t rest = 3;
  while (c < kFirstOfLength[rest]) --rest;
  std::string text(1, static_cast<char>(kLead[rest] | c >> (6 * rest)));
  for (size_t i = rest; i > 0; --i) text.push_back(static_cast<char>(0x80 | (c >> (6 * (i - 1)) & 63)));
  return text;
}

TEST(Utf8, EveryScalarValueIsACharacterOfItsLength) {
  for (uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = encoded(c);
    ASSERT_EQ(utf8_character_length(text + "x"), text.size()) << c;
    for (size_t cut = 1; cut < text.size(); ++cut)
      ASSERT_EQ(utf8_character_length(text.substr(0, cut)), 0u) << c;
  }
}

TEST(Utf8, OverlongSurrogateAndTooLargeFormsAreRefused) {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
                           "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xbf", "\xff",
                           "\xc3(", "\xe2\x82(", "\xf0\x9f\x98("}) {
    EXPECT_FALSE(is_utf8(text)) << text;
    EXPECT_FALSE(is_utf8(std::string("good ") + text)) << text;
  }
}

TEST(Utf8, TextMayBeEmptyAndHoldNul) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_utf8("naïve 你好 😀"));
}

TEST(Utf8, TellsHowMuchOfACharacterIsThere) {
  EXPECT_EQ(utf8_broken_length("\xf0\x9f\x98!"), 3u);  // an emoji without its end
  EXPECT_EQ(utf8_broken_length("\xf0\x9f"), 2u);
  EXPECT_EQ(utf8_broken_length("\xf0\xf0\x9f"), 1u);
  EXPECT_EQ(utf8_broken_length("\xed\xa0\x80"), 1u);  // a surrogate: no second byte fits
  EXPECT_EQ(utf8_broken_length("\xe2\x82 "), 2u);
  EXPECT_EQ(utf8_broken_length("\x80\x80"), 1u);
  EXPECT_EQ(utf8_broken_length("\xff"), 1u);
}

}  // namespace
}  // namespace attend
