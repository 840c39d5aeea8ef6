// What the benchmark programs are made of.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/arena.h"
#include "bench/programs.h"
#include "cli/temporary_folder.h"
#include "numbers.h"
#include "resident_memory.h"

namespace attend::bench {
namespace {

Result<Safetensors> file_of(const TemporaryFolder& folder, const std::string& dtype,
                            const std::vector<int64_t>& shape, const std::vector<uint8_t>& bytes) {
  const Json header = {{"x", {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {0, bytes.size()}}}}};
  return Safetensors::open(
      folder.file("x.safetensors", safetensors_bytes(header, std::string(bytes.begin(), bytes.end()))));
}

TEST(BenchNumbers, TheSameSeedGivesTheSameNumbers) {
  const Numbers a = Numbers::normal({1, 2, 3, 4}, 5), b = Numbers::normal({1, 2, 3, 4}, 5),
                c = Numbers::normal({1, 2, 3, 4}, 6);
  EXPECT_EQ(a.widened(), b.widened());
  EXPECT_NE(a.widened(), c.widened());
  EXPECT_EQ(a.view().stride, (Shape{24, 12, 4, 1}));
}

TEST(BenchNumbers, AreAbsentUntilTheyAreMade) {
  EXPECT_FALSE(Numbers().view().present());
  EXPECT_EQ(Numbers({1, 1, 2, 2}).widened(), std::vector<float>(4, 0.0f));
}

TEST(BenchNumbers, AreRoundedToTheTypeAsked) {
  const TemporaryFolder folder;
  const Result<Safetensors> file =
      file_of(folder, "F32", {1, 1, 1, 1}, {0x00, 0x20, 0x80, 0x3f});  // 1 + 2^-10
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto read = [&](DType dtype) { return Numbers::read(file.value(), "x", dtype).value().widened()[0]; };
  EXPECT_EQ(read(DType::kFloat32), 1 + 0x1p-10f);
  EXPECT_EQ(read(DType::kFloat16), 1 + 0x1p-10f);
  EXPECT_EQ(read(DType::kBFloat16), 1.0f);
}

TEST(BenchNumbers, WhatDoesNotFitIsRefusedByName) {
  const TemporaryFolder folder;
  const Result<Safetensors> flat = file_of(folder, "F32", {1}, {0, 0, 0, 0});
  ASSERT_TRUE(flat.ok());
  EXPECT_NE(Numbers::read(flat.value(), "x", DType::kFloat32).status().message().find("x has 1 axes, not 4"),
            std::string::npos);
  EXPECT_FALSE(Numbers::read(flat.value(), "y", DType::kFloat32).ok());
  const Result<Safetensors> floats = file_of(folder, "F32", {1, 1, 1, 1}, {0, 0, 0, 0});
  EXPECT_NE(Numbers::read(floats.value(), "x", DType::kBool).status().message().find("not BOOL"),
            std::string::npos);
  EXPECT_FALSE(Numbers::read(floats.value(), "x", DType::kInt8).ok());
}

TEST(ResidentMemory, ThePeakOutlivesTheMemoryUntilItIsForgotten) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  if (!forget_resident_peak()) GTEST_SKIP() << "this system does not measure peaks of memory";
  const int64_t before = resident_memory().now;
  { const Numbers numbers({1, 1, 1, kBytes / 4}); }
  EXPECT_GE(resident_memory().peak - before, kBytes * 9 / 10);
  ASSERT_TRUE(forget_resident_peak());
  EXPECT_LT(resident_memory().peak - before, kBytes / 2);
}

}  // namespace
}  // namespace attend::bench
