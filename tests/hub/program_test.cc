// attend pull and attend models, as a shell runs them, against a hub on loopback.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/temporary_folder.h"
#include "end_to_end/program.h"
#include "hub/fake_hub.h"

namespace attend {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class PullProgram : public testing::Test {
 protected:
  PullProgram() {
    hub.add_model(1 << 20);
    for (const char* name :
         {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE",
          "TRANSFORMERS_OFFLINE", "http_proxy", "all_proxy", "ALL_PROXY"})
      unsetenv(name);
    setenv("HF_HOME", folder.path().c_str(), 1);
    setenv("HF_ENDPOINT", hub.endpoint().c_str(), 1);
  }
  ~PullProgram() override {
    unsetenv("HF_HUB_OFFLINE");
    unsetenv("HF_TOKEN");
  }

  std::string repository_folder() const { return folder / "hub/models--acme--captioner"; }
  std::string snapshot() const { return repository_folder() + "/snapshots/" + hub.commit; }
  std::string incomplete() const {
    return repository_folder() + "/blobs/" + hub.tag_of("model.safetensors") + ".incomplete";
  }

  TemporaryFolder folder;
  FakeHub hub;
};

void expect_error(const Outcome& outcome, int code, const std::vector<std::string>& words) {
  EXPECT_EQ(outcome.exit_code, code);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), SizeIs(1)) << outcome.err;
  EXPECT_THAT(outcome.err, StartsWith("attend: "));
  for (const std::string& word : words) EXPECT_THAT(outcome.err, HasSubstr(word));
}

/// Starts `attend pull acme/captioner`; its standard error is `err`, if that is a descriptor.
pid_t start_pull(int err = -1) {
  const pid_t child = fork();
  if (child != 0) return child;
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDOUT_FILENO);
  dup2(err >= 0 ? err : nothing, STDERR_FILENO);
  execl(ATTEND_PROGRAM, "attend", "pull", "acme/captioner", nullptr);
  _exit(126);
}

template <class Condition>
bool wait_until(Condition condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(PullProgram, TheFolderIsTheResult) {
  const Outcome outcome = run_attend({"pull", "acme/captioner"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, snapshot() + "\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(fs::file_size(snapshot() + "/model.safetensors"), 1u << 20);
}

TEST_F(PullProgram, NamesAndVariablesThatMakeNoSenseAreUsageErrors) {
  expect_error(run_attend({"pull", "blip-bse"}), 1, {"did you mean blip-base?"});
  expect_error(run_attend({"pull", "a/b/c"}), 1, {"OWNER/REPO"});
  expect_error(run_attend({"pull"}), 1, {"NAME"});
  setenv("HF_ENDPOINT", "elsewhere", 1);
  expect_error(run_attend({"pull", "acme/captioner"}), 1, {"HF_ENDPOINT"});
}

TEST_F(PullProgram, WhatTheHubRefusesIsAFailure) {
  expect_error(run_attend({"pull", "acme/nothing"}), 2, {"has no model acme/nothing"});
  setenv("HF_HUB_OFFLINE", "1", 1);
  expect_error(run_attend({"pull", "acme/captioner"}), 2, {"HF_HUB_OFFLINE"});
}

TEST_F(PullProgram, AFullDiskIsAFailureAndTheNextPullGoesOn) {
  Surroundings full;
  full.largest_file = 300000;
  expect_error(run_attend({"pull", "acme/captioner"}, full), 2,
               {"cannot write past 300000 of 1048576 bytes"});
  EXPECT_EQ(run_attend({"pull", "acme/captioner"}).exit_code, 0);
  EXPECT_EQ(hub.seen().back().range, "bytes=300000-");
}

TEST_F(PullProgram, AFolderThatMayNotBeWrittenIsAFailure) {
  fs::create_directories(folder / "hub");
  fs::permissions(folder.path(), fs::perms::others_exec | fs::perms::others_read, fs::perm_options::add);
  fs::permissions(folder / "hub", fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
  Surroundings nobody;
  nobody.unprivileged = true;
  expect_error(run_attend({"pull", "acme/captioner"}, nobody), 2, {folder / "hub", "Permission denied"});
  fs::permissions(folder / "hub", fs::perms::owner_all);
}

TEST_F(PullProgram, AnInterruptEndsItAndTheNextPullGoesOn) {
  hub.trouble.pause_ms = 20;
  const pid_t child = start_pull();
  std::error_code error;
  ASSERT_TRUE(
      wait_until([&] { return fs::exists(incomplete(), error) && fs::file_size(incomplete(), error) > 0; }));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  const uint64_t kept = fs::file_size(incomplete());
  EXPECT_GT(kept, 0u);
  hub.trouble.pause_ms = 0;
  EXPECT_EQ(run_attend({"pull", "acme/captioner"}).exit_code, 0);
  EXPECT_EQ(hub.seen().back().range, "bytes=" + std::to_string(kept) + "-");
}

TEST_F(PullProgram, AProcessThatIsKilledHoldsNobodyUp) {
  hub.trouble.pause_ms = 20;
  const pid_t child = start_pull();
  std::error_code error;
  ASSERT_TRUE(
      wait_until([&] { return fs::exists(incomplete(), error) && fs::file_size(incomplete(), error) > 0; }));
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  hub.trouble.pause_ms = 0;
  EXPECT_EQ(run_attend({"pull", "acme/captioner"}).exit_code, 0);
}

TEST_F(PullProgram, SeveralProcessesBringTheFileOnce) {
  hub.trouble.pause_ms = 2;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) children.push_back(start_pull());
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(hub.downloads_of("model.safetensors"), 1);
}

TEST_F(PullProgram, ATerminalSeesABar) {
  setenv("TERM", "xterm", 1);
  hub.add_model(4 << 20);
  hub.trouble.pause_ms = 3;
  int master = -1, slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) GTEST_SKIP() << "no pseudo-terminals here";
  const pid_t child = start_pull(slave);
  close(slave);
  std::string screen;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(master, buffer.data(), buffer.size())) > 0;)
    screen.append(buffer.data(), static_cast<size_t>(count));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(master);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(screen,
              AllOf(HasSubstr("/4 MB ["), HasSubstr("MB/s"), HasSubstr("left"), HasSubstr("4 MB in ")));
}

TEST_F(PullProgram, ModelsSaysWhatIsKnownAndWhatIsHere) {
  ASSERT_EQ(run_attend({"pull", "acme/captioner"}).exit_code, 0);
  const Outcome text = run_attend({"models"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.err, "");
  for (const char* word : {"blip-base", "Salesforce/blip-image-captioning-base", "BSD-3-Clause", "990 MB",
                           "vit-gpt2", "git-base", "acme/captioner"})
    EXPECT_THAT(text.out, HasSubstr(word));

  bool found = false;
  for (const std::string& line : lines_of(run_attend({"models", "--format", "jsonl"}).out)) {
    const auto row = nlohmann::json::parse(line);
    if (row["name"] == "blip-base") {
      EXPECT_EQ(row["state"], "absent");
    }
    if (row["name"] != "acme/captioner") continue;
    found = true;
    EXPECT_EQ(row["state"], "whole");
    EXPECT_EQ(row["folder"], snapshot());
    EXPECT_EQ(row["commit"], hub.commit);
  }
  EXPECT_TRUE(found);
}

TEST_F(PullProgram, ModelsShowsTheBeginningOfOne) {
  hub.repository = "Salesforce/blip-image-captioning-base";
  Surroundings full;
  full.largest_file = 700000;
  EXPECT_EQ(run_attend({"pull", "blip-base"}, full).exit_code, 2);
  EXPECT_THAT(run_attend({"models"}).out, HasSubstr("in part, 1 MB"));
  EXPECT_EQ(run_attend({"pull", "blip-base"}).exit_code, 0);
  EXPECT_THAT(run_attend({"models"}).out, HasSubstr("here, 1 MB"));
}

TEST_F(PullProgram, CaptionFindsAModelByItsName) {
  const std::string photo = folder.file("a.jpg");
  expect_error(run_attend({"caption", "--model", "blip-base", photo}), 2, {"'attend pull blip-base'"});
  expect_error(run_attend({"caption", "--model", "blip-bse", photo}), 2, {"did you mean blip-base?"});
  ASSERT_EQ(run_attend({"pull", "acme/captioner"}).exit_code, 0);
  // Its weights are noise: what is said is about the files, which were found.
  expect_error(run_attend({"caption", "--model", "acme/captioner", photo}), 2, {snapshot()});
}

}  // namespace
}  // namespace attend
