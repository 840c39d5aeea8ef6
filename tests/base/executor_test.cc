#include "attend/executor.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <vector>

namespace attend {
namespace {

void expect_each_task_once(Executor& executor, int64_t count) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
  std::vector<std::atomic<int>> busy(static_cast<size_t>(executor.workers()));
  std::atomic<bool> shared = false, outside = false;
  executor.for_each(count, [&](int64_t task, int worker) {
    if (worker < 0 || worker >= executor.workers()) {
      outside = true;
      return;
    }
    if (busy[static_cast<size_t>(worker)].fetch_add(1) != 0) shared = true;
    ++runs[static_cast<size_t>(task)];
    busy[static_cast<size_t>(worker)].fetch_sub(1);
  });
  EXPECT_FALSE(outside) << "a worker number out of range";
  EXPECT_FALSE(shared) << "two tasks in flight shared a worker number";
  for (const std::atomic<int>& r : runs) ASSERT_EQ(r.load(), 1);
}

TEST(Executor, EveryTaskRunsOnceWhateverTheNumberOfThreads) {
  for (int64_t count : {0, 1, 2, 3, 7, 1000}) {
    expect_each_task_once(serial_executor(), count);
    for (int threads : {1, 2, 3, 8}) {
      const auto executor = make_openmp_executor(threads);
      EXPECT_EQ(executor->workers(), threads);
      expect_each_task_once(*executor, count);
      const auto standard = make_thread_executor(threads);
      EXPECT_EQ(standard->workers(), threads);
      expect_each_task_once(*standard, count);
    }
  }
}

TEST(Executor, TheDefaultHasAtLeastOneWorker) {
  EXPECT_GE(make_openmp_executor()->workers(), 1);
  EXPECT_GE(make_thread_executor()->workers(), 1);
}

TEST(Executor, HasAsManyWorkersAsThereMayBeAndNoMore) {
  EXPECT_EQ(make_openmp_executor(100'000)->workers(), kMostThreads);
  EXPECT_EQ(make_thread_executor(100'000)->workers(), kMostThreads);
  EXPECT_GE(make_openmp_executor(-3)->workers(), 1);
  EXPECT_GE(make_thread_executor(-3)->workers(), 1);
}

#ifdef __GLIBC__
TEST(Executor, ThreadsThatTheSystemRefusesAreDoneWithout) {
  pthread_attr_t before, greedy;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(pthread_attr_init(&greedy), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&greedy, size_t{1} << 47), 0);  // more than there are addresses
  ASSERT_EQ(pthread_setattr_default_np(&greedy), 0);
  EXPECT_NO_THROW(expect_each_task_once(*make_thread_executor(8), 1000));
  ASSERT_EQ(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&greedy);
  pthread_attr_destroy(&before);
}
#endif

TEST(Executor, OpenMpRunsInAChildOfForkToo) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer refuses children with threads of their own";
#endif
  const auto executor = make_openmp_executor(3);
  expect_each_task_once(*executor, 100);  // starts the threads that the child will not have
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);  // ends a child that waits for them
    expect_each_task_once(*executor, 100);
    expect_each_task_once(*make_openmp_executor(2), 100);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace attend
