// Interrupt and terminate, asked about instead of handled.
//
// No signal handler may run on a thread that is inside oneDNN 2.6's matrix products: on AVX2 and AVX-512 some
// of them point the stack pointer into their workspace on the heap, where the kernel would then write the
// handler's frame over other people's memory. So these signals are blocked, and taken between two steps.
#ifndef ATTEND_CLI_STOP_SIGNALS_H_
#define ATTEND_CLI_STOP_SIGNALS_H_

namespace attend {

/// From now on SIGINT and SIGTERM wait until one of the functions below asks for them, in this thread and in
/// all that it starts from now on; call it before any other thread starts.
void hold_stop_signals();

/// Whether a held signal has come. The next one then ends the program at once.
bool stop_signal_came();

/// Ends the program as the signal would have ended it, if one has come.
void obey_stop_signal();

}  // namespace attend

#endif  // ATTEND_CLI_STOP_SIGNALS_H_
