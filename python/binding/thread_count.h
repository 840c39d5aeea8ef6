// How many threads a call may use, where the work below it is OpenMP's.
#ifndef ATTEND_PYTHON_BINDING_THREAD_COUNT_H_
#define ATTEND_PYTHON_BINDING_THREAD_COUNT_H_

#include <nanobind/nanobind.h>
#include <omp.h>

#include <algorithm>
#include <future>
#include <utility>

#include "attend/executor.h"
#include "base/forked.h"
#include "binding/cast.h"

namespace attend::python {

/// `threads` as a number; None is all that OpenMP offers. ValueError outside 1..kMostThreads.
inline int thread_count_of(const nanobind::object& threads) {
  return threads.is_none() ? std::min(omp_get_max_threads(), kMostThreads)
                           : integer<int>(threads, "threads", 1, kMostThreads);
}

/// OpenMP's threads of the calling thread are so many, until the end of the scope.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// body() with so many of OpenMP's threads. In a child of fork() it runs on a thread of its own: GNU's OpenMP
/// has a pool for each thread that opens regions, and that of the thread that forked lacks its threads.
template <class Body>
void on_openmp_threads(int threads, Body&& body) {
  const auto counted = [&] {
    const ThreadCount count(threads);
    std::forward<Body>(body)();
  };
  if (!forked()) return counted();
  std::async(std::launch::async, counted).get();
}

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_THREAD_COUNT_H_
