#include "cli/stop_signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

namespace attend {
namespace {

using std::chrono::milliseconds;

/// Runs `work` in a process of its own that watches for signals, and holds them if told to; `signals` are
/// sent so many milliseconds after each other. What became of it, as waitpid() has it.
int outcome_of(bool holds, void (*work)(), const std::vector<std::pair<milliseconds, int>>& signals) {
  int ready[2];
  EXPECT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    watch_for_stop_signals();
    if (holds) hold_stop_signals();
    if (write(ready[1], "", 1) == 1) work();
    _exit(77);
  }
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  for (const int end : ready) close(end);
  for (const auto& [pause, signal] : signals) {
    std::this_thread::sleep_for(pause);
    EXPECT_EQ(kill(child, signal), 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void ask() {
  for (int i = 0; i < 500 && !stop_signal_came(); ++i) std::this_thread::sleep_for(milliseconds(10));
  std::this_thread::sleep_for(milliseconds(300));  // saves a checkpoint
  _exit(stop_signal_came() ? stopped_exit_code() : 0);
}

void never_ask() {
  std::this_thread::sleep_for(std::chrono::seconds(60));
}

TEST(StopSignals, AreHeldUntilTheyAreAskedFor) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const int status = outcome_of(true, ask, {{milliseconds(0), signal}});
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
  }
}

TEST(StopSignals, EndTheProgramWhileTheyAreNotHeld) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const int status = outcome_of(false, never_ask, {{milliseconds(0), signal}});
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
  }
}

TEST(StopSignals, OneRequestMayComeTwice) {
  const int status = outcome_of(true, ask, {{milliseconds(0), SIGTERM}, {milliseconds(50), SIGTERM}});
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
}

TEST(StopSignals, ASecondRequestEndsWhoNeverAsks) {
  const int status = outcome_of(true, never_ask, {{milliseconds(0), SIGINT}, {milliseconds(1500), SIGTERM}});
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace attend
