// An executor that runs tasks in a strange order under strange worker numbers, the same each time.
#ifndef ATTEND_TESTS_BASE_REORDERED_EXECUTOR_H_
#define ATTEND_TESTS_BASE_REORDERED_EXECUTOR_H_

#include "attend/executor.h"

namespace attend {

/// Last task first, workers in turn: what depends on order or on workers shows, without a thread.
class ReorderedExecutor : public Executor {
 public:
  explicit ReorderedExecutor(int workers) : workers_(workers) {}
  int workers() const override { return workers_; }
  void run(int64_t count, Task task, void* context) override {
    for (int64_t i = count - 1; i >= 0; --i) task(context, i, static_cast<int>((count - i) % workers_));
  }

 private:
  int workers_;
};

}  // namespace attend

#endif  // ATTEND_TESTS_BASE_REORDERED_EXECUTOR_H_
