#include "cli/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace attend {
namespace {

TEST(Printable, ControlCharactersAreSpelledOut) {
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(printable(std::string("nul\0end", 7)), "nul\\x00end");
  EXPECT_EQ(printable("\u0080 \u009b31mred\u009f"), "\\u0080 \\u009b31mred\\u009f");
}

TEST(Printable, EverythingElseIsLeftAlone) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("Plage d'été 海.jpg"), "Plage d'été 海.jpg");
  EXPECT_EQ(printable("latin1 \xe9.jpg"), "latin1 \xe9.jpg");
  EXPECT_EQ(printable("a\tb\nc", "\t"), "a\tb\\nc");
  EXPECT_EQ(printable("\xc2\xa0\xc3\x9b\xe2\x80\x9b\xc2"), "\xc2\xa0\xc3\x9b\xe2\x80\x9b\xc2");
}

}  // namespace
}  // namespace attend
