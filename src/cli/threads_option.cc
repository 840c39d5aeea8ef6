#include "cli/threads_option.h"

#include <omp.h>

#include "cli/checked_options.h"

namespace attend {

void add_threads_option(CLI::App& command, int& threads) {
  add_number(command, "--threads", threads, {0, kMostThreads}, "Threads, or 0 for one a core");
}

std::unique_ptr<Executor> make_executor(int threads) {
  std::unique_ptr<Executor> executor = make_openmp_executor(threads);
  omp_set_num_threads(executor->workers());
  return executor;
}

}  // namespace attend
