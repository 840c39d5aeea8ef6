// Executors behind handles, the library's own and the caller's.
#ifndef ATTEND_C_API_EXECUTOR_H_
#define ATTEND_C_API_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "attend/attend.h"
#include "attend/executor.h"
#include "attend/status.h"

/// Either one of the library's, or a caller's `run`.
struct attend_executor {
  std::unique_ptr<attend::Executor> own;
  int32_t workers = 1;  // of the caller's
  attend_run run = nullptr;
  void* user = nullptr;
};

namespace attend::c_api {

inline constexpr int32_t kMostWorkers = 1024;

/// A caller's `run`, watched for one call: it must run every task once, under worker numbers that exist.
class WatchedExecutor final : public Executor {
 public:
  explicit WatchedExecutor(const attend_executor& handle) : handle_(handle) {}
  int workers() const override { return handle_.workers; }
  void run(int64_t count, Task task, void* context) override;
  /// What the caller's code did wrong, if anything.
  Status verdict() const;

 private:
  struct Watch;

  const attend_executor& handle_;
  std::atomic<bool> failed_{false};
  std::atomic<int32_t> bad_worker_{0};
  int64_t tasks_ = 0, tasks_run_ = 0;  // of the first run() that went wrong
};

/// Calls body(executor) with the executor behind a handle, and returns its Status, or the executor's fault.
template <class Body>
Status with_executor(attend_executor* handle, Body&& body) {
  if (handle == nullptr) return body(serial_executor());
  if (handle->own != nullptr) return body(*handle->own);
  WatchedExecutor executor(*handle);
  ATTEND_RETURN_IF_ERROR(body(executor));
  return executor.verdict();
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_EXECUTOR_H_
