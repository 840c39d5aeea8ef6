#include "cli/stop_signals.h"

#include <ctime>

namespace attend {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

int taken = 0;  // the signal that has come

}  // namespace

void hold_stop_signals() {
  // A signal that is ignored, as shells do for commands in the background, would not even wait.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

StopSignalsPass::StopSignalsPass() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, &before_);
}

StopSignalsPass::~StopSignalsPass() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool stop_signal_came() {
  if (taken != 0) return true;
  const sigset_t set = stop_signals();
  const timespec at_once{};
  const int signal = sigtimedwait(&set, nullptr, &at_once);
  if (signal <= 0) return false;
  taken = signal;
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return true;
}

int stopped_exit_code() {
  return 128 + taken;
}

void obey_stop_signal() {
  if (stop_signal_came()) std::raise(taken);
}

}  // namespace attend
