// How long idle threads wait before they sleep.
#ifndef ATTEND_CLI_SHORT_WAITS_H_
#define ATTEND_CLI_SHORT_WAITS_H_

namespace attend {

/// GNU's OpenMP lets a thread that has nothing to do spin for some ten milliseconds before it sleeps, at
/// every barrier: where another program wants the same core, that eats its time slices and ours, and
/// captioning takes three times to a hundred times as long. A thousand spins, some tens of microseconds,
/// cover the gaps between the operations of a model. The runtime reads its settings before main() and never
/// again, so the program starts anew, once, with GOMP_SPINCOUNT set. Returns when that is not needed (the
/// user has set it, or OMP_WAIT_POLICY) or not possible.
void restart_with_short_waits(char** argv);

}  // namespace attend

#endif  // ATTEND_CLI_SHORT_WAITS_H_
