#include "c_api/executor.h"

#include <string>
#include <thread>
#include <utility>

#include "c_api/error.h"

namespace attend::c_api {
namespace {

Status check_threads(const char* name, int32_t threads, int32_t least, int32_t most) {
  if (threads >= least && threads <= most) return {};
  return invalid(std::string(name) + " is " + std::to_string(threads) + ", but must be in " +
                 std::to_string(least) + ".." + std::to_string(most));
}

Status create(int32_t kind, int32_t threads, attend_executor** executor) {
  if (executor == nullptr) return invalid("executor is a null pointer");
  auto made = std::make_unique<attend_executor>();
  switch (kind) {
    case ATTEND_EXECUTOR_SERIAL:
      ATTEND_RETURN_IF_ERROR(check_threads("threads of a serial executor", threads, 0, 1));
      made->own = make_thread_executor(1);
      break;
    case ATTEND_EXECUTOR_OPENMP:
      ATTEND_RETURN_IF_ERROR(check_threads("threads", threads, 0, kMostWorkers));
      made->own = make_openmp_executor(threads);
      break;
    case ATTEND_EXECUTOR_THREADS:
      ATTEND_RETURN_IF_ERROR(check_threads("threads", threads, 0, kMostWorkers));
      made->own = make_thread_executor(threads);
      break;
    default:
      return invalid("kind is " + std::to_string(kind) + ", but must be in 0..2");
  }
  *executor = made.release();
  return {};
}

Status create_custom(int32_t workers, attend_run run, void* user, attend_executor** executor) {
  if (executor == nullptr) return invalid("executor is a null pointer");
  if (run == nullptr) return invalid("run is a null pointer");
  ATTEND_RETURN_IF_ERROR(check_threads("workers", workers, 1, kMostWorkers));
  *executor = new attend_executor{.own = nullptr, .workers = workers, .run = run, .user = user};
  return {};
}

}  // namespace

/// What one run() hands to the caller's code in place of the library's own task and context.
struct WatchedExecutor::Watch {
  WatchedExecutor& executor;
  int64_t count;
  Task task;
  void* context;
  std::atomic<int64_t> run{0};

  static void watched(void* self, int64_t task, int32_t worker) {
    auto& watch = *static_cast<Watch*>(self);
    if (worker < 0 || worker >= watch.executor.handle_.workers) {
      watch.executor.bad_worker_ = worker;
      return;
    }
    if (task < 0 || task >= watch.count) return;
    watch.task(watch.context, task, worker);
    ++watch.run;
  }
};

void WatchedExecutor::run(int64_t count, Task task, void* context) {
  Watch watch = {.executor = *this, .count = count, .task = task, .context = context};
  handle_.run(handle_.user, count, &Watch::watched, &watch);
  if (watch.run == count || failed_.exchange(true)) return;
  tasks_ = count;
  tasks_run_ = watch.run;
}

Status WatchedExecutor::verdict() const {
  if (!failed_) return {};
  const int32_t worker = bad_worker_;
  if (worker < 0 || worker >= handle_.workers) {
    return invalid("the executor ran a task as worker " + std::to_string(worker) + ", but has " +
                   std::to_string(handle_.workers) + " workers; the outputs are undefined");
  }
  return invalid("the executor ran " + std::to_string(tasks_run_) + " tasks, but was given " +
                 std::to_string(tasks_) + "; the outputs are undefined");
}

}  // namespace attend::c_api

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below

attend_code attend_executor_create(int32_t kind, int32_t threads, attend_executor** executor) {
  return guarded([&] { return create(kind, threads, executor); });
}

attend_code attend_executor_create_custom(int32_t workers, attend_run run, void* user,
                                          attend_executor** executor) {
  return guarded([&] { return create_custom(workers, run, user, executor); });
}

int32_t attend_executor_workers(const attend_executor* executor) {
  if (executor == nullptr) return 1;
  return executor->own != nullptr ? executor->own->workers() : executor->workers;
}

void attend_executor_destroy(attend_executor* executor) {
  delete executor;
}
