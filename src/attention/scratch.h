// The scratch of a call: the caller's, or its own.
#ifndef ATTEND_ATTENTION_SCRATCH_H_
#define ATTEND_ATTENTION_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "attend/attention.h"
#include "attention/refusal.h"
#include "base/arena.h"

namespace attend {

/// Calls body(scratch) with the caller's scratch, a buffer on the stack when little is needed, or one
/// allocation. `bytes` is of no interest where the executor has no worker.
template <class Body>
Status with_scratch(const AttentionResources& resources, size_t bytes, const char* operation, Body&& body) {
  ATTEND_RETURN_IF_ERROR(check_workers(resources.executor));
  constexpr size_t kSmall = size_t{32} << 10;
  if (!resources.scratch.empty()) {
    if (resources.scratch.size() < bytes) {
      return invalid("scratch has " + std::to_string(resources.scratch.size()) +
                     " bytes, but the call needs " + std::to_string(bytes));
    }
    if (reinterpret_cast<uintptr_t>(resources.scratch.data()) % 64 != 0) {
      return invalid("scratch is not aligned to 64 bytes");
    }
    body(resources.scratch.data());
  } else if (bytes <= kSmall) {
    alignas(64) std::byte small[kSmall];
    body(small);
  } else {
    AlignedBytes memory;
    try {
      memory = allocate_aligned(bytes);
    } catch (const std::bad_alloc&) {
      return {StatusCode::kOutOfMemory,
              std::string(operation) + " needs " + std::to_string(bytes) + " bytes of scratch"};
    }
    body(memory.get());
  }
  return {};
}

/// A worker's share of the scratch.
template <class T>
T* share_of(std::byte* scratch, int worker, size_t worker_bytes) {
  return reinterpret_cast<T*>(scratch + static_cast<size_t>(worker) * worker_bytes);
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_SCRATCH_H_
