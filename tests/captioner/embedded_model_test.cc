// Linked twice: with a file inside (ATTEND_EMBEDDED_FILE), and with none.
#include "captioner/embedded_model.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

namespace attend {
namespace {

#ifdef ATTEND_EMBEDDED_FILE

TEST(EmbeddedModel, HoldsTheBytesOfTheFile) {
  std::ifstream file(ATTEND_EMBEDDED_FILE, std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(expected.empty());
  const std::span<const std::byte> bytes = embedded_model();
  EXPECT_TRUE(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == expected);
}

TEST(EmbeddedModel, IsAligned) {
  EXPECT_EQ(reinterpret_cast<uintptr_t>(embedded_model().data()) % 64, 0u);
}

#else

TEST(EmbeddedModel, IsEmptyWithoutAFile) {
  EXPECT_TRUE(embedded_model().empty());
}

#endif

}  // namespace
}  // namespace attend
