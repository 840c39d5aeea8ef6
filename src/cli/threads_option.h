// How many threads a command runs on.
#ifndef ATTEND_CLI_THREADS_OPTION_H_
#define ATTEND_CLI_THREADS_OPTION_H_

#include <memory>

#include "attend/executor.h"

namespace CLI {
class App;
}

namespace attend {

/// Adds --threads, which fills `threads`; that must outlive the command.
void add_threads_option(CLI::App& command, int& threads);

/// An executor of `threads` threads, or for 0 of as many as OpenMP offers; of fewer where the system does not
/// grant them, as OpenMP would end the program for that. OpenMP's other work, matrix
/// products and convolutions, gets as many from now on.
std::unique_ptr<Executor> make_executor(int threads);

}  // namespace attend

#endif  // ATTEND_CLI_THREADS_OPTION_H_
