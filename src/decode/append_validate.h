// What is checked about new tokens before they are written to a cache.
#ifndef ATTEND_DECODE_APPEND_VALIDATE_H_
#define ATTEND_DECODE_APPEND_VALIDATE_H_

#include "attend/kv_cache.h"

namespace attend {

/// OK when the cache is sound, the tokens fit it, and no sequence comes to hold more than `capacity` of them,
/// which is capacity_of() the cache or less.
Status check_append(const KvTokens& tokens, const KvView& cache, int64_t capacity);

/// The pages that the new tokens go to exist. The tokens passed check_append().
Status check_new_pages(const KvTokens& tokens, const KvView& cache);

}  // namespace attend

#endif  // ATTEND_DECODE_APPEND_VALIDATE_H_
