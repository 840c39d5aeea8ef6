#include "training/curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LogRow training(int64_t step, double loss) {
  LogRow row;
  row.step = step;
  row.loss = loss;
  return row;
}

LogRow validation(int64_t step, const std::string& set, double score) {
  LogRow row;
  row.step = step;
  row.set = set;
  row.score = score;
  return row;
}

/// The y coordinates of the polyline that begins after `from`.
std::vector<double> heights(const std::string& svg, size_t number) {
  size_t at = 0;
  for (size_t i = 0; i <= number; ++i) at = svg.find("points='", at) + 8;
  std::istringstream points(svg.substr(at, svg.find('\'', at) - at));
  std::vector<double> ys;
  for (std::string point; points >> point;) ys.push_back(std::stod(point.substr(point.find(',') + 1)));
  return ys;
}

TEST(Curve, AFallingLossFallsAndARisingScoreRises) {
  const std::string svg =
      draw_curve(std::vector<LogRow>{training(10, 8), training(20, 4), validation(20, "a", 0.1),
                                     training(30, 3), validation(40, "a", 0.6)},
                 "score");
  const std::vector<double> loss = heights(svg, 0), score = heights(svg, 1);
  ASSERT_EQ(loss.size(), 3u);
  EXPECT_LT(loss[0], loss[1]);  // y grows downwards
  EXPECT_LT(loss[1], loss[2]);
  ASSERT_EQ(score.size(), 2u);
  EXPECT_GT(score[0], score[1]);
  EXPECT_LT(*std::max_element(loss.begin(), loss.end()), *std::min_element(score.begin(), score.end()))
      << "one panel above the other";
}

TEST(Curve, EachValidationSetIsALineWithItsName) {
  const std::string svg = draw_curve(
      std::vector<LogRow>{validation(5, "x & <y>", 0.2), validation(5, "plain", 0.3)}, "more & more");
  EXPECT_THAT(svg, HasSubstr(">x &amp; &lt;y><"));
  EXPECT_THAT(svg, HasSubstr(">plain<"));
  EXPECT_THAT(svg, HasSubstr(">more &amp; more<"));
}

TEST(Curve, NothingAndAFlatLineAreDrawnWithoutAnAccident) {
  EXPECT_THAT(draw_curve({}, "score"), HasSubstr("</svg>"));
  const std::string svg = draw_curve(std::vector<LogRow>{training(1, 2), training(2, 2)}, "score");
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace attend
