// Interrupt and terminate, asked about instead of handled.
//
// A handler could do no more than leave a note that is read between two steps, and would interrupt the
// threads that compute. These signals are blocked instead, and a thread that does nothing else waits for
// them.
#ifndef ATTEND_CLI_STOP_SIGNALS_H_
#define ATTEND_CLI_STOP_SIGNALS_H_

namespace attend {

/// From now on SIGINT and SIGTERM reach that thread alone, which ends the program as they would have; call it
/// once, before any other thread starts.
void watch_for_stop_signals();

/// From now on the first of them is noted, for somebody who asks from time to time. One that comes more than
/// a second later still ends the program at once, whatever it is doing.
void hold_stop_signals();

/// While one lives, signals are not held: it is for waits that may not end, as on a pipe that nobody reads.
class StopSignalsPass {
 public:
  StopSignalsPass();
  ~StopSignalsPass();
  StopSignalsPass(const StopSignalsPass&) = delete;
  StopSignalsPass& operator=(const StopSignalsPass&) = delete;

 private:
  bool before_;
};

/// Whether a held signal has come.
bool stop_signal_came();

/// 130 after SIGINT and 143 after SIGTERM, as shells say of a program that the signal ended.
int stopped_exit_code();

/// Ends the program as the signal would have ended it, if one has come.
void obey_stop_signal();

}  // namespace attend

#endif  // ATTEND_CLI_STOP_SIGNALS_H_
