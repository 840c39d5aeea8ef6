// Executors behind handles, the library's own and the caller's.
#ifndef ATTEND_C_API_EXECUTOR_H_
#define ATTEND_C_API_EXECUTOR_H_

#include <cstdint>
#include <memory>

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

/// What a caller's `run` did wrong.
struct ExecutorFault {
  Status status;
};

/// A caller's `run`, watched: it must run every task once, under worker numbers that exist.
class WatchedExecutor final : public Executor {
 public:
  explicit WatchedExecutor(const attend_executor& handle) : handle_(handle) {}
  int workers() const override { return handle_.workers; }
  /// Throws an ExecutorFault. Where there is no memory to watch with, the calling thread runs the tasks.
  void run(int64_t count, Task task, void* context) override;

 private:
  const attend_executor& handle_;
};

/// Calls body(executor) with the executor behind a handle, and returns its Status, or the executor's fault.
template <class Body>
Status with_executor(attend_executor* handle, Body&& body) {
  if (handle == nullptr) return body(serial_executor());
  if (handle->own != nullptr) return body(*handle->own);
  WatchedExecutor executor(*handle);
  try {
    return body(executor);
  } catch (const ExecutorFault& fault) {
    return fault.status;
  }
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_EXECUTOR_H_
