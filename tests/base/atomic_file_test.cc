#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/file_names.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::temp_directory_path() / (std::string("attend_") + test->name() + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }
  static std::string content(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, AFileAppearsWholeOnCommitAndNotBefore) {
  Result<AtomicFile> file = AtomicFile::create(path("a.txt"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file.value().write("hello ").ok());
  ASSERT_TRUE(file.value().write("world").ok());
  EXPECT_FALSE(fs::exists(path("a.txt")));
  ASSERT_TRUE(file.value().commit().ok());
  EXPECT_EQ(content(path("a.txt")), "hello world");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, TheLongestNameThatAFileMayHaveCanBeWritten) {
  const std::string name(255, 'n');
  ASSERT_TRUE(write_file(path(name), "new").ok());
  EXPECT_EQ(content(path(name)), "new");
  std::string letters;
  for (int i = 0; i < 127; ++i) letters += "\u00e9";
  EXPECT_EQ(with_room(letters, 9), letters.substr(0, 246));
  EXPECT_EQ(with_room(letters, 10), letters.substr(0, 244));
  EXPECT_EQ(with_room("short", 9), "short");
}

TEST_F(AtomicFileTest, AnAbandonedFileLeavesTheOldOneAndNoLitter) {
  ASSERT_TRUE(write_file(path("a.txt"), "old").ok());
  {
    Result<AtomicFile> file = AtomicFile::create(path("a.txt"));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value().write("half of the n").ok());
  }
  EXPECT_EQ(content(path("a.txt")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, ADiskThatFillsUpIsAnErrorThatNamesThePathAndLeavesTheOldFile) {
  ASSERT_TRUE(write_file(path("a.txt"), "old").ok());
  // A limit on the size of files stands in for a full disk: write() then fails part of the way in.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = write_file(path("a.txt"), std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_EQ(status.message().find(path("a.txt")), 0u) << status.message();
  EXPECT_EQ(content(path("a.txt")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, AMissingFolderIsNotFound) {
  const Status status = write_file(path("no/such/folder/a.txt"), "x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("no/such/folder/a.txt"), std::string::npos);
}

TEST_F(AtomicFileTest, AFinishedFileHasTheUsualPermissions) {
  const mode_t mask = ::umask(022);
  ASSERT_TRUE(write_file(path("a.txt"), "x").ok());
  ::umask(mask);
  EXPECT_EQ(fs::status(path("a.txt")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read);
}

TEST_F(AtomicFileTest, AFilesPermissionsAreThoseOfWhenItWasCreated) {
  const mode_t mask = ::umask(022);
  Result<AtomicFile> file = AtomicFile::create(path("a.txt"));
  ASSERT_TRUE(file.ok());
  ::umask(0);
  const bool committed = file.value().commit().ok();
  EXPECT_EQ(::umask(mask), 0u);
  ASSERT_TRUE(committed);
  EXPECT_EQ(fs::status(path("a.txt")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read);
}

TEST_F(AtomicFileTest, WritesTheFileThatALinkNamesAndKeepsTheLink) {
  fs::create_directory(path("in"));
  fs::create_symlink("in/a.txt", path("link"));
  fs::create_symlink(path("link"), path("to_link"));
  for (const char* text : {"new", "newer"}) {  // the first makes what the link names
    ASSERT_TRUE(write_file(path("to_link"), std::string_view(text)).ok());
    EXPECT_TRUE(fs::is_symlink(path("link")) && fs::is_symlink(path("to_link")));
    EXPECT_EQ(content(path("in/a.txt")), text);
  }
  fs::create_symlink("round", path("round"));
  EXPECT_FALSE(write_file(path("round"), std::string_view("x")).ok());
}

TEST_F(AtomicFileTest, WhatIsNoFileIsNotReplaced) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  fs::create_directory(path("folder"));
  for (const char* name : {"pipe", "folder"}) {
    const Status status = write_file(path(name), std::string_view("x"));
    EXPECT_EQ(status.code(), StatusCode::kIo);
    EXPECT_EQ(status.message(), path(name) + ": cannot write: not a regular file");
  }
  EXPECT_EQ(files(), 2u);
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
}

TEST_F(AtomicFileTest, WhatAKilledProcessLeftIsRemovedAndNothingElse) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<AtomicFile> file = AtomicFile::create(path("a.txt"));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(files(), 1u);
  const std::string left = fs::directory_iterator(folder_)->path().string();
  const std::string drawn = left.substr(path("a.txt").size());
  for (const std::string& name : {std::string("a.txt"), "a.txt" + drawn + "x", "a.txt." + drawn.substr(2),
                                  "a.txt~" + drawn.substr(2), drawn})
    std::ofstream(path(name)) << "kept";
  fs::create_directory(path("folder" + drawn));
  fs::create_symlink("a.txt", path("link" + drawn));
  Result<AtomicFile> open = AtomicFile::create(path("b.txt"));
  ASSERT_TRUE(open.ok());
  remove_leftovers(folder_.string());
  EXPECT_FALSE(fs::exists(left));
  EXPECT_EQ(files(), 8u);
  EXPECT_TRUE(open.value().commit().ok()) << "somebody is writing it";
  remove_leftovers(path("none"));
}

TEST_F(AtomicFileTest, FilesOfOnePathThatAreWrittenAtOnceDoNotMeet) {
  Result<AtomicFile> first = AtomicFile::create(path("a.txt")), second = AtomicFile::create(path("a.txt"));
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first.value().write("first").ok() && second.value().write("second").ok());
  ASSERT_TRUE(first.value().commit().ok());
  EXPECT_EQ(content(path("a.txt")), "first");
  ASSERT_TRUE(second.value().commit().ok());
  EXPECT_EQ(content(path("a.txt")), "second");
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace attend
