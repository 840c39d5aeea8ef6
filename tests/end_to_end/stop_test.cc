// attend caption, stopped: SIGINT and SIGTERM.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    names.push_back(entry.path().filename());
  return names;
}

/// Starts `attend caption` of `photos` into `maps`, with `out` as its standard output.
pid_t start_caption(const std::string& photos, const std::string& maps, int out) {
  const std::string model = tiny_model();
  const pid_t child = fork();
  if (child != 0) return child;
  dup2(out, STDOUT_FILENO);
  execl(ATTEND_PROGRAM, "attend", "caption", "--model", model.c_str(), "--maps", maps.c_str(), photos.c_str(),
        nullptr);
  _exit(126);
}

TEST(Stop, LeavesWholeSheetsAlone) {
  TemporaryFolder folder;
  const std::string photos = folder.folder("photos"), maps = folder / "maps";
  for (int i = 0; i < 500; ++i) folder.file("photos/" + std::to_string(i) + ".png", png_photo());
  for (const int signal : {SIGINT, SIGTERM}) {
    const int nothing = open("/dev/null", O_WRONLY);
    const pid_t run = start_caption(photos, maps, nothing);
    close(nothing);
    for (int i = 0; i < 3000 && names_in(maps).empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_THAT(names_in(maps), Not(IsEmpty()));
    kill(run, signal);
    int status = 0;
    ASSERT_EQ(waitpid(run, &status, 0), run);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), 128 + signal);
    EXPECT_LT(names_in(maps).size(), 500u);
    EXPECT_THAT(names_in(maps), ::testing::Each(EndsWith(".maps.png")));
    std::filesystem::remove_all(maps);
  }
}

TEST(Stop, DoesNotWaitForAReaderWhoHasStoppedReading) {
  TemporaryFolder folder;
  std::string photos = folder.folder("photos"), maps = folder / "maps";
  for (int i = 0; i < 100; ++i)
    folder.file("photos/" + std::to_string(i) + std::string(200, 'n') + ".png", png_photo());
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ASSERT_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  const pid_t run = start_caption(photos, maps, ends[1]);
  size_t sheets = 0, before = 1;
  for (int i = 0; i < 300 && (sheets == 0 || sheets != before); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    before = sheets;
    sheets = names_in(maps).size();
  }
  EXPECT_LT(sheets, 100u);  // the pipe is full
  kill(run, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(run, &status, 0), run);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), 130);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace attend
