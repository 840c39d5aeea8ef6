#include "cli/progress_bar.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace attend {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ProgressLine, ShowsCountBarShareRateAndTimeLeft) {
  EXPECT_EQ(progress_line({15, 60, 0, 3.0, "photos", ""}, 65),
            "15/60 photos [#####---------------]  25 %  5.0 photos/s  9 s left");
}

TEST(ProgressLine, WhatAnEarlierRunDidIsNotInTheRate) {
  EXPECT_THAT(progress_line({110, 200, 100, 1.0, "steps", "loss 3.2"}, 200),
              AllOf(HasSubstr("55 %"), HasSubstr("10 steps/s"), HasSubstr("9 s left"), EndsWith("loss 3.2")));
}

TEST(ProgressLine, SaysNothingOfTheRateBeforeThereIsOne) {
  EXPECT_THAT(progress_line({0, 60, 0, 5.0, "photos", ""}, 80), Not(HasSubstr("left")));
  EXPECT_THAT(progress_line({100, 200, 100, 5.0, "photos", ""}, 80), Not(HasSubstr("left")));
}

TEST(ProgressLine, NeverExceedsTheTerminal) {
  for (int columns = 0; columns < 120; ++columns) {
    const std::string line =
        progress_line({3, 1000000, 0, 9.0, "photos", "a long note about this step"}, columns);
    EXPECT_LE(line.size(), static_cast<size_t>(columns));
  }
  EXPECT_THAT(progress_line({3, 10, 0, 1.0, "photos", ""}, 20), StartsWith("3/10 photos"));
}

TEST(ProgressLine, CountsPastTheTotalOrOfNothingAreHarmless) {
  EXPECT_THAT(progress_line({12, 10, 0, 1.0, "photos", ""}, 80),
              AllOf(HasSubstr("100 %"), HasSubstr("0 s left")));
  EXPECT_THAT(progress_line({0, 0, 0, 0.0, "photos", ""}, 80), HasSubstr("0 %"));
}

TEST(DurationText, ChangesUnitsAsPeopleDo) {
  EXPECT_EQ(duration_text(0.2), "0 s");
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(59.6), "1 min 00 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 05 min");
  EXPECT_EQ(duration_text(-1), "0 s");
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t count = 0;
  while ((count = read(descriptor, buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<size_t>(count));
  return text;
}

TEST(ProgressBar, DrawsNothingOnAPipeButPassesLinesOn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  {
    ProgressBar bar(10, "photos", 0, ends[1]);
    bar.update(1);
    bar.line("a.jpg: empty file");
    bar.update(10);
  }
  close(ends[1]);
  EXPECT_EQ(read_all(ends[0]), "a.jpg: empty file\n");
  close(ends[0]);
}

TEST(ProgressBar, OnATerminalALineStandsAboveTheBarAndTheBarLeavesNothing) {
  setenv("TERM", "xterm", 1);
  int master = -1, slave = -1;
  winsize size{};
  size.ws_col = 60;
  if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) GTEST_SKIP() << "no pseudo-terminals here";
  {
    ProgressBar bar(10, "photos", 0, slave);
    bar.update(1);
    bar.line("a.jpg: empty file");
    bar.finish();
    bar.update(5);  // after finish() nothing is drawn
  }
  // The bar, its removal, the line, the bar again, its removal. The terminal turns \n into \r\n.
  ASSERT_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
  const std::string screen = read_all(master);
  EXPECT_THAT(screen, StartsWith("\r\x1b[K1/10 photos ["));
  EXPECT_THAT(screen, HasSubstr("\r\x1b[Ka.jpg: empty file\r\n\r\x1b[K1/10 photos ["));
  EXPECT_THAT(screen, EndsWith("\r\x1b[K"));
  EXPECT_THAT(screen, Not(HasSubstr("5/10")));
  close(master);
  close(slave);
}

TEST(ProgressBar, ADumbTerminalGetsNoBar) {
  setenv("TERM", "dumb", 1);
  int master = -1, slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) GTEST_SKIP() << "no pseudo-terminals here";
  {
    ProgressBar bar(10, "photos", 0, slave);
    bar.update(1);
  }
  ASSERT_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(read_all(master), "");
  close(master);
  close(slave);
}

}  // namespace
}  // namespace attend
