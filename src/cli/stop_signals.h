// Interrupt and terminate, asked about instead of handled.
//
// A handler could do no more than leave a note that is read between two steps. These signals are blocked
// instead and asked for there, so that nothing interrupts the threads that compute.
#ifndef ATTEND_CLI_STOP_SIGNALS_H_
#define ATTEND_CLI_STOP_SIGNALS_H_

#include <csignal>

namespace attend {

/// From now on SIGINT and SIGTERM wait until one of the functions below asks for them, in this thread and in
/// all that it starts from now on; call it before any other thread starts.
void hold_stop_signals();

/// While one lives, held signals do in this thread what they usually do: it is for waits that may not end, as
/// on a pipe that nobody reads.
class StopSignalsPass {
 public:
  StopSignalsPass();
  ~StopSignalsPass();
  StopSignalsPass(const StopSignalsPass&) = delete;
  StopSignalsPass& operator=(const StopSignalsPass&) = delete;

 private:
  sigset_t before_;
};

/// Whether a held signal has come. The next one then ends the program at once.
bool stop_signal_came();

/// 130 after SIGINT and 143 after SIGTERM, as shells say of a program that the signal ended.
int stopped_exit_code();

/// Ends the program as the signal would have ended it, if one has come.
void obey_stop_signal();

}  // namespace attend

#endif  // ATTEND_CLI_STOP_SIGNALS_H_
