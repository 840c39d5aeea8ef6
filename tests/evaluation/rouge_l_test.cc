#include "evaluation/rouge_l.h"

#include <gtest/gtest.h>

#include <vector>

namespace attend {
namespace {

double f_measure(double precision, double recall) {
  return (1 + 1.44) * precision * recall / (recall + 1.44 * precision);
}

TEST(RougeL, FollowsTheLongestCommonSubsequence) {
  const std::vector<WordIds> reference = {{1, 2, 3, 4, 5, 6}};
  EXPECT_DOUBLE_EQ(rouge_l(WordIds{1, 2, 3, 4, 5, 6}, reference), 1.0);
  EXPECT_DOUBLE_EQ(rouge_l(WordIds{1, 9, 3, 8, 6}, reference), f_measure(3.0 / 5, 3.0 / 6));
  EXPECT_DOUBLE_EQ(rouge_l(WordIds{6, 5, 4, 3, 2, 1}, reference), f_measure(1.0 / 6, 1.0 / 6));
  EXPECT_DOUBLE_EQ(rouge_l(WordIds{7, 8}, reference), 0.0);
}

TEST(RougeL, TakesPrecisionAndRecallFromDifferentReferences) {
  const std::vector<WordIds> references = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {1}};
  EXPECT_DOUBLE_EQ(rouge_l(WordIds{1, 2, 3, 4}, references), f_measure(1.0, 1.0));
}

TEST(RougeL, CountsAnEmptySentenceAsOneEmptyWord) {
  EXPECT_EQ(rouge_l(WordIds{}, std::vector<WordIds>{{1, 2}}), 0.0);
  EXPECT_EQ(rouge_l(WordIds{1, 2}, std::vector<WordIds>{{}}), 0.0);
  EXPECT_EQ(rouge_l(WordIds{}, std::vector<WordIds>{{}}), 1.0);
}

}  // namespace
}  // namespace attend
