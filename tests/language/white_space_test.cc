#include "language/white_space.h"

#include <gtest/gtest.h>

namespace attend {
namespace {

TEST(WhiteSpace, EveryKindHasItsLengthAndNothingElseHasOne) {
  for (const char* space : {" ", "\t", "\n", "\r", "\x1f"}) EXPECT_EQ(white_space_length(space), 1u);
  EXPECT_EQ(white_space_length("\u00a0x"), 2u);
  for (const char* space : {"\u1680", "\u2000", "\u200a", "\u2028", "\u202f", "\u205f", "\u3000"})
    EXPECT_EQ(white_space_length(space), 3u) << space;
  for (const char* other : {"", "a", "\u00e4", "\u200b", "\u2010", "\xe2", "\xe2\x80", "\x1b", "\x7f"})
    EXPECT_EQ(white_space_length(other), 0u) << other;
}

TEST(WhiteSpace, RunsOfItBecomeOneSpaceAndEndsNone) {
  EXPECT_EQ(single_spaced(" \u00a0a\t \u3000b\u00e4 c\n"), "a b\u00e4 c");
  EXPECT_EQ(single_spaced(" \t"), "");
  EXPECT_EQ(split_at_white_space("a  b"), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace attend
