#include "attend/executor.h"

#include <omp.h>

#include <algorithm>

#include "base/forked.h"

namespace attend {
namespace {

class SerialExecutor final : public Executor {
 public:
  int workers() const override { return 1; }
  void run(int64_t count, Task task, void* context) override {
    for (int64_t i = 0; i < count; ++i) task(context, i, 0);
  }
};

class OpenMpExecutor final : public Executor {
 public:
  explicit OpenMpExecutor(int threads) : threads_(threads), after_fork_(make_thread_executor(threads)) {}
  int workers() const override { return threads_; }
  void run(int64_t count, Task task, void* context) override {
    const int team = static_cast<int>(std::min<int64_t>(threads_, count));
    if (team <= 1) {
      for (int64_t i = 0; i < count; ++i) task(context, i, 0);
      return;
    }
    if (forked()) return after_fork_->run(count, task, context);
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
    for (int64_t i = 0; i < count; ++i) task(context, i, omp_get_thread_num());
  }

 private:
  int threads_;
  std::unique_ptr<Executor> after_fork_;
};

}  // namespace

Executor& serial_executor() {
  static SerialExecutor executor;
  return executor;
}

std::unique_ptr<Executor> make_openmp_executor(int threads) {
  // What OpenMP offers may be a number that somebody mistyped in OMP_NUM_THREADS.
  if (threads <= 0) threads = omp_get_max_threads();
  return std::make_unique<OpenMpExecutor>(std::min(threads, kMostThreads));
}

}  // namespace attend
