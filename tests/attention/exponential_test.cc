// The kernels' power of two and hyperbolic tangent, on every target, against the C library's.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/exponential_test.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "attend/isa.h"
#include "attention/score_rule-inl.h"
#include "attention/vector-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

float exp2_of(float x) {
  return hn::GetLane(exp2(broadcast(x)));
}

float tanh_from(float y) {
  return hn::GetLane(tanh_of(broadcast(y)));
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {
namespace {

using Function = float (*)(float);

Function exp2_on(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, exp2_of);
}

TEST(Exp2, IsWithinItsBoundForEveryFloatOfASweep) {
  for (const Isa isa : isas()) {
    const Function exp2 = exp2_on(isa);
    if (exp2 == nullptr) continue;
    // Every 1,009th of the floats in [-126, 127], both signs.
    double worst = 0;
    for (uint32_t bits = 0; bits <= std::bit_cast<uint32_t>(127.0f); bits += 1009) {
      for (const float x : {std::bit_cast<float>(bits), -std::bit_cast<float>(bits)}) {
        if (x < -126) continue;
        const double exact = std::exp2(static_cast<double>(x));
        worst = std::max(worst, std::abs(static_cast<double>(exp2(x)) - exact) / exact);
      }
    }
    EXPECT_LT(worst, 1.74 * 0x1p-24) << name(isa);
  }
}

Function tanh_on(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, tanh_from);
}

TEST(Tanh, IsWithinAFewUnitsForEveryFloatOfASweep) {
  for (const Isa isa : isas()) {
    const Function tanh = tanh_on(isa);
    if (tanh == nullptr) continue;
    double worst = 0;
    for (uint32_t bits = std::bit_cast<uint32_t>(1e-30f); bits <= std::bit_cast<uint32_t>(1e4f);
         bits += 1009) {
      const float y = std::bit_cast<float>(bits);
      const double exact = std::tanh(static_cast<double>(y) / (2 * std::numbers::log2e));
      worst = std::max(worst, std::abs(static_cast<double>(tanh(y)) - exact) / exact);
      EXPECT_NEAR(tanh(-y), -tanh(y), 2.5e-7f);
    }
    EXPECT_LT(worst, 5 * 0x1p-24) << name(isa);
  }
}

TEST(Tanh, IsZeroAtZeroOneFarOutAndNanForNan) {
  for (const Isa isa : isas()) {
    const Function tanh = tanh_on(isa);
    if (tanh == nullptr) continue;
    EXPECT_EQ(tanh(0.0f), 0.0f) << name(isa);
    for (const float y : {30.0f, 1e6f, std::numeric_limits<float>::infinity()}) {
      EXPECT_EQ(tanh(y), 1.0f) << name(isa) << " " << y;
      EXPECT_EQ(tanh(-y), -1.0f) << name(isa) << " " << y;
    }
    EXPECT_TRUE(std::isnan(tanh(std::nanf("")))) << name(isa);
  }
}

TEST(Exp2, OfZeroIsExactlyOne) {
  for (const Isa isa : isas()) {
    if (exp2_on(isa) == nullptr) continue;
    EXPECT_EQ(exp2_on(isa)(0.0f), 1.0f) << name(isa);
    EXPECT_EQ(exp2_on(isa)(-0.0f), 1.0f) << name(isa);
  }
}

TEST(Exp2, IsZeroFarDownAndNanForNan) {
  for (const Isa isa : isas()) {
    if (exp2_on(isa) == nullptr) continue;
    for (const float x : {-126.5f, -1e4f, -1e30f, -std::numeric_limits<float>::infinity()}) {
      EXPECT_EQ(exp2_on(isa)(x), 0.0f) << name(isa) << " " << x;
    }
    for (const uint32_t payload : {0x7fc00000u, 0x7fc12345u, 0xffc00001u, 0x7f800001u}) {
      EXPECT_TRUE(std::isnan(exp2_on(isa)(std::bit_cast<float>(payload)))) << name(isa);
    }
  }
}

}  // namespace
}  // namespace attend
#endif
