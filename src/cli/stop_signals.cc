#include "cli/stop_signals.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

namespace attend {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

std::atomic<bool> held = false;
std::atomic<int> taken = 0;  // the first signal that came

/// Ends the program as the signal would have.
void end_by(int signal) {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(signal);
}

void watch() {
  const sigset_t set = stop_signals();
  int signal = 0;
  sigwait(&set, &signal);
  if (!held) end_by(signal);
  taken = signal;
  // One request may come twice: to the process and to its group, as timeout(1) sends it.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const timespec at_once{};
  while (sigtimedwait(&set, nullptr, &at_once) > 0) continue;
  sigwait(&set, &signal);
  end_by(signal);
}

}  // namespace

void watch_for_stop_signals() {
  // A signal that is ignored, as shells do for commands in the background, would not even wait.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread(watch).detach();
}

void hold_stop_signals() {
  held = true;
}

StopSignalsPass::StopSignalsPass() : before_(held.exchange(false)) {}

StopSignalsPass::~StopSignalsPass() {
  held = before_;
}

bool stop_signal_came() {
  return taken != 0;
}

int stopped_exit_code() {
  return 128 + taken;
}

void obey_stop_signal() {
  if (stop_signal_came()) end_by(taken);
}

}  // namespace attend
