#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A folder of its own for each test.
class SafetensorsFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("attend_safetensors_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
};

TEST_F(SafetensorsFile, ComesBackAsItWasWritten) {
  const std::vector<float> a = {1.5f, -2.0f, std::numeric_limits<float>::denorm_min(), -0.0f, 3e38f, 0.1f};
  const std::vector<float> b = {7.0f};
  const TensorToWrite tensors[] = {{"zebra", {2, 3}, a}, {"ape.weight", {}, b}, {"none", {0, 4}, {}}};
  ASSERT_TRUE(
      write_safetensors(path("m"), tensors, {{"title", "ä \"quoted\"\n"}, {"licence", "Apache-2.0"}}).ok());

  const Result<Safetensors> file = Safetensors::open(path("m"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file.value().tensors().size(), 3u);
  EXPECT_EQ(file.value().metadata_value("title").value(), "ä \"quoted\"\n");
  EXPECT_THAT(file.value().shape("zebra").value(), ElementsAre(2, 3));
  EXPECT_THAT(file.value().shape("ape.weight").value(), ElementsAre());

  std::vector<float> back(6);
  const int64_t shape[] = {2, 3};
  ASSERT_TRUE(file.value().read("zebra", shape, back).ok());
  EXPECT_EQ(std::memcmp(back.data(), a.data(), sizeof(float) * a.size()), 0);
  float scalar = 0;
  ASSERT_TRUE(file.value().read("ape.weight", {}, {&scalar, 1}).ok());
  EXPECT_EQ(scalar, 7.0f);
  const int64_t nothing[] = {0, 4};
  EXPECT_TRUE(file.value().read("none", nothing, {}).ok());
}

TEST_F(SafetensorsFile, StoredTypesRoundToTheirPrecision) {
  std::vector<float> values(2500);  // more than one block of the widening loop
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 3.0f;
  const int64_t count = static_cast<int64_t>(values.size());
  const TensorToWrite tensors[] = {{"f16", {count}, values, StoredType::kFloat16},
                                   {"bf16", {count}, values, StoredType::kBFloat16},
                                   {"f64", {count}, values, StoredType::kFloat64},
                                   {"f32", {count}, values, StoredType::kFloat32}};
  ASSERT_TRUE(write_safetensors(path("m"), tensors, {}).ok());
  const Result<Safetensors> file = Safetensors::open(path("m"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value().tensors().at("bf16").dtype, "BF16");

  // Half a unit in the last place of 11, 8 and 24 bits.
  const struct {
    const char* name;
    float relative;
  } cases[] = {{"f16", 0x1p-11f}, {"bf16", 0x1p-8f}, {"f64", 0.0f}, {"f32", 0.0f}};
  for (const auto& c : cases) {
    std::vector<float> back(values.size(), std::nanf(""));
    ASSERT_TRUE(file.value().read(c.name, {{count}}, back).ok());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_LE(std::abs(back[i] - values[i]),
                std::abs(values[i]) * c.relative + 0x1p-25f * (c.relative > 0.0f))
          << c.name << " " << i;
    }
  }
}

TEST_F(SafetensorsFile, BytesDependOnTheArgumentsAlone) {
  const std::vector<float> a = {1.0f, 2.0f}, b = {3.0f};
  const TensorToWrite one[] = {{"a", {2}, a}, {"b", {1}, b, StoredType::kFloat16}, {"c", {1}, b}};
  const TensorToWrite other[] = {one[2], one[1], one[0]};
  const std::map<std::string, std::string> metadata = {{"k", "v"}, {"another", "w"}};
  ASSERT_TRUE(write_safetensors(path("one"), one, metadata).ok());
  ASSERT_TRUE(write_safetensors(path("other"), other, metadata).ok());
  EXPECT_EQ(contents(path("one")), contents(path("other")));
}

TEST_F(SafetensorsFile, TensorsAreAlignedToTheirElements) {
  const std::vector<float> odd = {1.0f}, more = {2.0f, 3.0f};
  const TensorToWrite tensors[] = {{"a", {1}, odd, StoredType::kFloat16},
                                   {"b", {2}, more, StoredType::kFloat64},
                                   {"c", {1}, odd, StoredType::kFloat32}};
  ASSERT_TRUE(write_safetensors(path("m"), tensors, {}).ok());
  const Result<Safetensors> file = Safetensors::open(path("m"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.value().tensors().at("b").bytes.data()) % 8, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.value().tensors().at("c").bytes.data()) % 4, 0u);
}

TEST_F(SafetensorsFile, AMistakenWriteIsRefusedAndLeavesTheOldFile) {
  const std::vector<float> a = {1.0f, 2.0f};
  const TensorToWrite good[] = {{"a", {2}, a}};
  ASSERT_TRUE(write_safetensors(path("m"), good, {}).ok());
  const std::string before = contents(path("m"));

  const TensorToWrite twice[] = {{"a", {2}, a}, {"a", {2}, a}};
  const TensorToWrite misshapen[] = {{"a", {3}, a}};
  const TensorToWrite negative[] = {{"a", {-2, -1}, a}};
  const TensorToWrite overflowing[] = {{"a", {int64_t{1} << 62, 4}, a}};
  const TensorToWrite reserved[] = {{"__metadata__", {2}, a}};
  const TensorToWrite not_utf8[] = {{"\xff", {2}, a}};
  for (const auto& tensors :
       {std::span<const TensorToWrite>(twice), std::span<const TensorToWrite>(misshapen),
        std::span<const TensorToWrite>(negative), std::span<const TensorToWrite>(overflowing),
        std::span<const TensorToWrite>(reserved), std::span<const TensorToWrite>(not_utf8)}) {
    const Status status = write_safetensors(path("m"), tensors, {});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.message();
  }
  EXPECT_EQ(contents(path("m")), before);
  EXPECT_EQ(write_safetensors(path("no/such/folder/m"), good, {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);  // no temporary file left
}

TEST_F(SafetensorsFile, ReadingNamesWhatIsWrong) {
  const std::vector<float> a = {1.0f, 2.0f};
  const TensorToWrite tensors[] = {{"a", {1, 2}, a}};
  ASSERT_TRUE(write_safetensors(path("m"), tensors, {}).ok());
  const Result<Safetensors> file = Safetensors::open(path("m"));
  ASSERT_TRUE(file.ok());
  std::vector<float> out(2, -1.0f);

  Status status = file.value().read("b", {{1, 2}}, out);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), path("m") + ": no tensor 'b'");
  status = file.value().read("a", {{2, 1}}, out);
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(status.message(), path("m") + ": tensor 'a' has shape [1, 2] where [2, 1] is due");
  status = file.value().read("a", {{1, 2}}, std::span(out).first(1));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(out, ElementsAre(-1.0f, -1.0f));
  EXPECT_EQ(file.value().metadata_value("k").status().message(), path("m") + ": metadata lacks 'k'");
  EXPECT_EQ(file.value().shape("b").status().code(), StatusCode::kNotFound);
}

TEST_F(SafetensorsFile, MissingEmptyAndForeignFilesAreNamed) {
  EXPECT_EQ(Safetensors::open(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(Safetensors::open(folder_.string()).ok());
  std::ofstream(path("empty")).close();
  std::ofstream(path("text")) << "Dear reader, this is not a model but a letter.\n";
  for (const char* name : {"none", "empty", "text"}) {
    EXPECT_THAT(Safetensors::open(path(name)).status().message(), StartsWith(path(name) + ": "));
  }
  EXPECT_EQ(Safetensors::open(path("empty")).status().code(), StatusCode::kCorrupt);
  EXPECT_THAT(Safetensors::open(path("text")).status().message(), HasSubstr("not a safetensors file"));
}

TEST_F(SafetensorsFile, SurvivesBeingMoved) {
  const std::vector<float> a = {4.0f};
  const TensorToWrite tensors[] = {{"a", {1}, a}};
  ASSERT_TRUE(write_safetensors(path("m"), tensors, {}).ok());
  Safetensors moved = Safetensors::open(path("m")).value();
  const Safetensors again = std::move(moved);
  float value = 0;
  ASSERT_TRUE(again.read("a", {{1}}, {&value, 1}).ok());
  EXPECT_EQ(value, 4.0f);
}

}  // namespace
}  // namespace attend
