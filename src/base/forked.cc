#include "base/forked.h"

#include <pthread.h>

#include <atomic>

namespace attend {
namespace {

std::atomic<bool> in_child = false;

[[maybe_unused]] const int watched =
    pthread_atfork(nullptr, nullptr, [] { in_child.store(true, std::memory_order_relaxed); });

}  // namespace

bool forked() {
  return in_child.load(std::memory_order_relaxed);
}

}  // namespace attend
