// Where the work runs.
//
// The library starts no threads of its own. It cuts an operation into tasks whose number and content depend
// on the shapes alone, and hands them to an Executor; results never depend on how many workers there are or
// on which worker took which task. Implement this interface to run attend inside your own pool.
#ifndef ATTEND_EXECUTOR_H_
#define ATTEND_EXECUTOR_H_

#include <cstdint>
#include <memory>
#include <type_traits>

namespace attend {

class Executor {
 public:
  /// One task: `task` in [0, count), `worker` in [0, workers()). `context` is what run() was given.
  using Task = void (*)(void* context, int64_t task, int worker);

  virtual ~Executor() = default;

  /// The largest number of tasks that may be in flight at once; scratch is sized by it. At least 1: calls
  /// with an executor that has fewer are refused, with kInvalidArgument.
  virtual int workers() const = 0;

  /// Calls task(context, i, worker) once for each i in [0, count), in any order, and returns when all are
  /// done. No two calls in flight share a worker number. Tasks do not throw and do not call run() on this
  /// executor. What run() itself throws, once no task is in flight, passes through the operation, whose
  /// outputs are then undefined; the library's own executors throw nothing.
  virtual void run(int64_t count, Task task, void* context) = 0;

  /// run() for a callable `body(int64_t task, int worker)`.
  template <class Body>
  void for_each(int64_t count, Body&& body) {
    using B = std::remove_reference_t<Body>;
    run(
        count, [](void* context, int64_t task, int worker) { (*static_cast<B*>(context))(task, worker); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }
};

/// Runs every task on the calling thread. Safe to use from many threads at once.
Executor& serial_executor();

/// The most threads that one of the library's own executors has.
inline constexpr int kMostThreads = 1024;

/// Runs tasks on OpenMP's threads (one runtime, shared with oneDNN). `threads` in 1..kMostThreads; more count
/// as kMostThreads, and 0 or fewer as all that OpenMP offers. A thread that the system refuses ends the
/// process, as GCC's runtime has it (libgomp prints "Thread creation failed" and exits): near a limit on
/// threads or memory take make_thread_executor(). In a child of fork(), where OpenMP's threads are not, this
/// executor, made before or after, runs tasks as make_thread_executor()'s does.
std::unique_ptr<Executor> make_openmp_executor(int threads = 0);

/// Runs tasks on std::threads that are started by each run() and joined before it returns: no runtime but the
/// standard library's, for programs without OpenMP and for the thread sanitizer, at some 20 microseconds a
/// run. `threads` in 1..kMostThreads; more count as kMostThreads, and 0 or fewer as all that the machine has.
/// Where the system refuses a thread, the others do its share.
std::unique_ptr<Executor> make_thread_executor(int threads = 0);

}  // namespace attend

#endif  // ATTEND_EXECUTOR_H_
