#include "c_api/executor.h"

#include <atomic>
#include <bit>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
      ATTEND_RETURN_IF_ERROR(check_threads("threads", threads, 0, kMostThreads));
      made->own = make_openmp_executor(threads);
      break;
    case ATTEND_EXECUTOR_THREADS:
      ATTEND_RETURN_IF_ERROR(check_threads("threads", threads, 0, kMostThreads));
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
  ATTEND_RETURN_IF_ERROR(check_threads("workers", workers, 1, kMostThreads));
  *executor = new attend_executor{.own = nullptr, .workers = workers, .run = run, .user = user};
  return {};
}

/// What one run() hands to the caller's code in place of the library's own task and context.
class Watch {
 public:
  Watch(int32_t workers, int64_t count, Executor::Task task, void* context)
      : workers_(workers),
        count_(count),
        task_(task),
        context_(context),
        begun_(static_cast<size_t>((count + kBits - 1) / kBits)) {}

  static void run(void* self, int64_t task, int32_t worker) {
    auto& watch = *static_cast<Watch*>(self);
    if (watch.admits(task, worker)) watch.task_(watch.context_, task, worker);
  }

  /// What went wrong first, once the caller's code has returned.
  Status verdict() const {
    if (fault_ == Fault::kWorker) {
      return undefined("ran a task as worker " + std::to_string(number_) + ", but has " +
                       std::to_string(workers_) + " workers");
    }
    const std::string task = "ran task " + std::to_string(number_),
                      given = ", but was given " + std::to_string(count_);
    if (fault_ == Fault::kStranger) return undefined(task + given + ", numbered from 0");
    if (fault_ == Fault::kTwice) return undefined(task + " twice");
    int64_t ran = 0;
    for (const std::atomic<uint64_t>& tasks : begun_) ran += std::popcount(tasks.load());
    return ran == count_ ? Status() : undefined("ran " + std::to_string(ran) + " tasks" + given);
  }

 private:
  static constexpr int64_t kBits = 64;  // tasks of one number of begun_
  enum class Fault : uint8_t { kNone, kWorker, kStranger, kTwice };

  static Status undefined(const std::string& deed) {
    return invalid("the executor " + deed + "; the outputs are undefined");
  }

  /// Whether the task is to be run.
  bool admits(int64_t task, int32_t worker) {
    if (worker < 0 || worker >= workers_) return blame(Fault::kWorker, worker);
    if (task < 0 || task >= count_) return blame(Fault::kStranger, task);
    const uint64_t bit = uint64_t{1} << (task % kBits);
    const uint64_t before = begun_[static_cast<size_t>(task / kBits)].fetch_or(bit);
    return (before & bit) == 0 || blame(Fault::kTwice, task);
  }

  /// false. The first fault is the one that is kept.
  bool blame(Fault fault, int64_t number) {
    if (!blamed_.exchange(true)) {
      fault_ = fault;
      number_ = number;
    }
    return false;
  }

  int32_t workers_;
  int64_t count_;
  Executor::Task task_;
  void* context_;
  std::vector<std::atomic<uint64_t>> begun_;  // a bit a task
  std::atomic<bool> blamed_{false};
  Fault fault_ = Fault::kNone;
  int64_t number_ = 0;  // of the worker or task that the fault is about
};

}  // namespace

void WatchedExecutor::run(int64_t count, Task task, void* context) {
  std::optional<Watch> watch;
  try {
    watch.emplace(handle_.workers, count, task, context);
  } catch (const std::exception&) {
    return serial_executor().run(count, task, context);
  }
  handle_.run(handle_.user, count, &Watch::run, &*watch);
  if (Status verdict = watch->verdict(); !verdict.ok()) throw ExecutorFault{std::move(verdict)};
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
