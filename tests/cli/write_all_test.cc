#include "cli/write_all.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace attend {
namespace {

TEST(WriteAll, WaitsForTheReaderOfAPipeThatDoesNotWaitItself) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  const std::string text(1 << 20, 'x');
  std::string read_text;
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until the pipe is full
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0; (count = read(ends[0], buffer.data(), buffer.size())) > 0;)
      read_text.append(buffer.data(), static_cast<size_t>(count));
  });
  EXPECT_TRUE(write_all(ends[1], text));
  close(ends[1]);
  reader.join();
  EXPECT_EQ(read_text, text);
  close(ends[0]);
}

TEST(WriteAll, FailsWhereNobodyReads) {
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  EXPECT_FALSE(write_all(ends[1], "x"));
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace attend
