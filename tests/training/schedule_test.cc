#include "training/schedule.h"

#include <gtest/gtest.h>

#include "training/golden_numbers.h"

namespace attend {
namespace {

TEST(Schedule, RatesAreThoseOfPyTorchsWarmUpAndCosine) {
  const std::vector<double> rates = GoldenNumbers("training.safetensors")("rate", 10);
  const Schedule schedule{.peak = 0.02, .floor = 0.001, .warmup = 4, .steps = 10};
  for (size_t step = 0; step < rates.size(); ++step) {
    EXPECT_NEAR(schedule.rate(static_cast<int64_t>(step)), rates[step], 1e-15) << step;
  }
}

TEST(Schedule, TheFloorIsReachedAndKept) {
  const Schedule schedule{.peak = 1, .floor = 0.25, .warmup = 3, .steps = 11};
  EXPECT_DOUBLE_EQ(schedule.rate(11), 0.25);
  EXPECT_DOUBLE_EQ(schedule.rate(1000), 0.25);
}

TEST(Schedule, WithoutWarmUpItBeginsAtThePeakAndNeverRises) {
  const Schedule schedule{.peak = 2, .floor = 0, .warmup = 0, .steps = 7};
  EXPECT_DOUBLE_EQ(schedule.rate(0), 2);
  for (int64_t step = 1; step < 9; ++step) EXPECT_LE(schedule.rate(step), schedule.rate(step - 1));
}

TEST(Schedule, AWarmUpLongerThanTheRunOnlyRises) {
  const Schedule schedule{.peak = 1, .floor = 0, .warmup = 100, .steps = 10};
  for (int64_t step = 0; step < 10; ++step)
    EXPECT_DOUBLE_EQ(schedule.rate(step), static_cast<double>(step + 1) / 100);
}

TEST(Schedule, TheInverseSquareRootFallsFromThePeakWithoutEnd) {
  const Schedule schedule{.peak = 0.5, .warmup = 4, .fall = Schedule::Fall::kInverseSquareRoot};
  for (int64_t step = 0; step < 4; ++step)
    EXPECT_DOUBLE_EQ(schedule.rate(step), 0.5 * static_cast<double>(step + 1) / 4);
  EXPECT_DOUBLE_EQ(schedule.rate(15), 0.25);
  EXPECT_DOUBLE_EQ(schedule.rate(399), 0.05);
  const Schedule at_once{.peak = 1, .warmup = 0, .fall = Schedule::Fall::kInverseSquareRoot};
  EXPECT_DOUBLE_EQ(at_once.rate(0), 1);
  EXPECT_DOUBLE_EQ(at_once.rate(3), 0.5);
}

}  // namespace
}  // namespace attend
