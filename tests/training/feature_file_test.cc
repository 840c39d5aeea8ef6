#include "training/feature_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

constexpr FeatureFileShape kShape{42, 5, 3, 2};

/// Photo p is 12 halves: 100 p, 100 p + 1, ...
std::vector<uint16_t> halves_of(int64_t first, int64_t count) {
  std::vector<uint16_t> halves;
  for (int64_t p = first; p < first + count; ++p) {
    for (int64_t e = 0; e < 12; ++e) halves.push_back(static_cast<uint16_t>(100 * p + e));
  }
  return halves;
}

void write_all(const std::string& path) {
  FeatureFileWriter writer = FeatureFileWriter::open(path, kShape).value();
  ASSERT_TRUE(writer.append(halves_of(writer.done(), 5 - writer.done())).ok());
  ASSERT_TRUE(writer.finish().ok());
}

void expect_whole(const std::string& path) {
  const Result<FeatureFile> file = FeatureFile::open(path, kShape);
  ASSERT_TRUE(file.ok()) << file.status().message();
  for (int64_t p = 0; p < 5; ++p) {
    ASSERT_EQ(file.value().features(p, false).size(), 6u);
    for (size_t e = 0; e < 6; ++e) {
      EXPECT_EQ(file.value().features(p, false)[e], 100 * p + static_cast<int64_t>(e));
      EXPECT_EQ(file.value().features(p, true)[e], 100 * p + 6 + static_cast<int64_t>(e));
    }
  }
}

TEST(FeatureFile, WhatWasWrittenIsRead) {
  const TemporaryFolder folder;
  write_all(folder / "f");
  expect_whole(folder / "f");
  EXPECT_FALSE(std::filesystem::exists(folder / "f.partial"));
}

TEST(FeatureFile, AWriterGoesOnAfterTheLastPhotoThatWasSaved) {
  const TemporaryFolder folder;
  {
    FeatureFileWriter writer = FeatureFileWriter::open(folder / "f", kShape).value();
    ASSERT_TRUE(writer.append(halves_of(0, 2)).ok());
    ASSERT_TRUE(writer.save().ok());
    ASSERT_TRUE(writer.append(halves_of(2, 1)).ok());  // not saved: lost in a crash
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
  EXPECT_EQ(FeatureFileWriter::open(folder / "f", kShape).value().done(), 2);
  write_all(folder / "f");
  expect_whole(folder / "f");
}

TEST(FeatureFile, APartialFileOfSomethingElseIsBegunAnew) {
  const TemporaryFolder folder;
  {
    FeatureFileShape other = kShape;
    other.key = 43;
    FeatureFileWriter writer = FeatureFileWriter::open(folder / "f", other).value();
    ASSERT_TRUE(writer.append(halves_of(0, 2)).ok());
    ASSERT_TRUE(writer.save().ok());
  }
  EXPECT_EQ(FeatureFileWriter::open(folder / "f", kShape).value().done(), 0);
  folder.file("g.partial", "nonsense");
  EXPECT_EQ(FeatureFileWriter::open(folder / "g", kShape).value().done(), 0);
}

TEST(FeatureFile, TwoWritersOfOneFileDoNotMix) {
  const TemporaryFolder folder;
  const FeatureFileWriter first = FeatureFileWriter::open(folder / "f", kShape).value();
  const Result<FeatureFileWriter> second = FeatureFileWriter::open(folder / "f", kShape);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kIo);
}

TEST(FeatureFile, AnUnfinishedFileIsNotFinished) {
  const TemporaryFolder folder;
  FeatureFileWriter writer = FeatureFileWriter::open(folder / "f", kShape).value();
  ASSERT_TRUE(writer.append(halves_of(0, 4)).ok());
  const Status status = writer.finish();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("4 of 5"), std::string::npos) << status.message();
}

TEST(FeatureFile, OtherKeysDamagedAndForeignFilesAreRefused) {
  const TemporaryFolder folder;
  write_all(folder / "f");
  FeatureFileShape other = kShape;
  other.key = 1;
  EXPECT_EQ(FeatureFile::open(folder / "f", other).status().code(), StatusCode::kInvalidArgument);
  std::filesystem::resize_file(folder / "f", std::filesystem::file_size(folder / "f") - 1);
  EXPECT_EQ(FeatureFile::open(folder / "f", kShape).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(FeatureFile::open(folder.file("empty"), kShape).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(FeatureFile::open(folder.file("text", std::string(9000, 'x')), kShape).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(FeatureFile::open(folder / "none", kShape).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(FeatureFileWriter::open(folder / "no/folder", kShape).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace attend
