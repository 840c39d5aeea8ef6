// Writing new tokens to a cache.
#ifndef ATTEND_DECODE_KV_APPEND_H_
#define ATTEND_DECODE_KV_APPEND_H_

#include "attend/kv_cache.h"

namespace attend {

/// kv_append() of what check_append() and check_new_pages() let pass.
void append_checked(const KvTokens& tokens, const KvView& cache, Executor& executor);

}  // namespace attend

#endif  // ATTEND_DECODE_KV_APPEND_H_
