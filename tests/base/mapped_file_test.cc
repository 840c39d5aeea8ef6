#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

std::string temporary_path(const std::string& name) {
  return (fs::temp_directory_path() / ("attend_mapped_" + std::to_string(::getpid()) + name)).string();
}

TEST(MappedFile, TheBytesAreTheFilesBytesAndSurviveAMove) {
  const std::string path = temporary_path("a");
  ASSERT_TRUE(write_file(path, "some bytes").ok());
  Result<MappedFile> file = MappedFile::open(path);
  fs::remove(path);
  ASSERT_TRUE(file.ok());
  MappedFile moved = std::move(file).value();
  ASSERT_EQ(moved.bytes().size(), 10u);
  EXPECT_EQ(std::memcmp(moved.bytes().data(), "some bytes", 10), 0);
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const std::string path = temporary_path("b");
  ASSERT_TRUE(write_file(path, "").ok());
  Result<MappedFile> file = MappedFile::open(path);
  fs::remove(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file.value().bytes().empty());
}

TEST(MappedFile, WhatIsNotAFileIsAnErrorThatNamesIt) {
  const Result<MappedFile> missing = MappedFile::open("/no/such/file");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("/no/such/file"), std::string::npos);
  const Result<MappedFile> folder = MappedFile::open(fs::temp_directory_path().string());
  EXPECT_EQ(folder.status().code(), StatusCode::kInvalidArgument);
}

TEST(MappedFile, AFifoIsAnErrorAndNobodyWaitsForItsWriter) {
  const std::string path = temporary_path("fifo");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Result<MappedFile> fifo = MappedFile::open(path);
  fs::remove(path);
  EXPECT_EQ(fifo.status().message(), path + ": not a regular file");
}

}  // namespace
}  // namespace attend
