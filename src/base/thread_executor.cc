#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "attend/executor.h"

namespace attend {
namespace {

class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(int threads) : threads_(threads) {}
  int workers() const override { return threads_; }
  void run(int64_t count, Task task, void* context) override {
    std::atomic<int64_t> next{0};
    auto work = [&](int worker) {
      for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(context, i, worker);
    };
    std::vector<std::jthread> team;  // joined, in order, when this function returns
    try {
      for (int worker = 1; worker < threads_ && worker < count; ++worker) team.emplace_back(work, worker);
    } catch (const std::exception&) {
      // The system has no more threads or memory: those that have started, and this one, do all of the work.
    }
    work(0);
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<Executor> make_thread_executor(int threads) {
  // The system is asked only where it has to be: it reads a file to answer.
  if (threads <= 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::make_unique<ThreadExecutor>(std::min(threads, kMostThreads));
}

}  // namespace attend
