// An executor that claims any number of workers, and runs nothing.
#ifndef ATTEND_TESTS_BASE_IDLE_EXECUTOR_H_
#define ATTEND_TESTS_BASE_IDLE_EXECUTOR_H_

#include "attend/executor.h"

namespace attend {

/// For calls that are refused before anything runs.
class IdleExecutor : public Executor {
 public:
  explicit IdleExecutor(int workers) : workers_(workers) {}
  int workers() const override { return workers_; }
  void run(int64_t, Task, void*) override {}

 private:
  int workers_;
};

}  // namespace attend

#endif  // ATTEND_TESTS_BASE_IDLE_EXECUTOR_H_
