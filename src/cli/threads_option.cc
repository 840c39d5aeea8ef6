#include "cli/threads_option.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <future>
#include <thread>
#include <vector>

#include "cli/checked_options.h"

namespace attend {
namespace {

/// How many threads, of as many as `wanted`, the program may count on: OpenMP ends it when one is refused,
/// under a limit on processes or memory. Where that happens here half of the others are left for what else
/// starts threads.
int threads_granted(int wanted) {
  std::vector<std::jthread> started;
  std::promise<void> done;
  const std::shared_future<void> end = done.get_future().share();
  bool refused = false;
  try {
    for (int thread = 1; thread < wanted; ++thread) started.emplace_back([end] { end.wait(); });
  } catch (const std::exception&) {
    refused = true;
  }
  done.set_value();
  return refused ? std::max(1, static_cast<int>(started.size()) / 2) : wanted;
}

}  // namespace

void add_threads_option(CLI::App& command, int& threads) {
  add_number(command, "--threads", threads, {0, kMostThreads},
             "Threads, or 0 for one a core; fewer where the system refuses some");
}

std::unique_ptr<Executor> make_executor(int threads) {
  std::unique_ptr<Executor> executor = make_openmp_executor(threads);
  if (const int granted = threads_granted(executor->workers()); granted < executor->workers())
    executor = make_openmp_executor(granted);
  omp_set_num_threads(executor->workers());
  return executor;
}

}  // namespace attend
