#include "base/file_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace attend {
namespace {

namespace fs = std::filesystem;

class FileBytes : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("attend_file_bytes_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& content) const {
    std::ofstream(path(), std::ios::binary) << content;
    return path();
  }
  std::string path() const { return (folder_ / "file").string(); }
  static std::string text(const Result<std::vector<std::byte>>& bytes) {
    EXPECT_TRUE(bytes.ok()) << bytes.status().message();
    return {reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()};
  }

  fs::path folder_;
};

TEST_F(FileBytes, StayWhenTheFileIsCutShort) {
  const std::string content(100000, 'x');
  const Result<std::vector<std::byte>> bytes = read_file(file(content), content.size());
  fs::resize_file(path(), 10);
  EXPECT_EQ(text(bytes), content);
  EXPECT_EQ(text(read_file(file(""), 0)), "");
}

TEST_F(FileBytes, AreReadOfRegularFilesUpToALimit) {
  EXPECT_EQ(read_file(file("12345"), 4).status().message(), path() + ": more than 4 bytes");
  EXPECT_EQ(read_file(folder_.string(), 9).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(read_file(path() + "?", 9).status().code(), StatusCode::kNotFound);
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(read_file(fifo, 9).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(FileBytes, OfAPipeAreWaitedFor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const std::string content(3 << 20, 'y');
  std::thread writer([&] {
    for (size_t at = 0; at < content.size();) {
      const ssize_t written = write(ends[1], content.data() + at, content.size() - at);
      if (written > 0) at += static_cast<size_t>(written);
    }
    close(ends[1]);
  });
  EXPECT_EQ(text(read_to_end(ends[0], "pipe", content.size())), content);
  writer.join();
  close(ends[0]);
}

TEST_F(FileBytes, OfAnEndlessDeviceAreAnError) {
  const int zeros = open("/dev/zero", O_RDONLY);
  EXPECT_EQ(read_to_end(zeros, "zeros", 5000000).status().message(), "zeros: more than 5000000 bytes");
  close(zeros);
}

}  // namespace
}  // namespace attend
