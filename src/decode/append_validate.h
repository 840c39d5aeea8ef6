// What is checked about new tokens before they are written to a cache.
#ifndef ATTEND_DECODE_APPEND_VALIDATE_H_
#define ATTEND_DECODE_APPEND_VALIDATE_H_

#include <cstdint>

#include "attend/kv_cache.h"

namespace attend {

/// OK when the cache is sound, the tokens fit it, and no sequence comes to hold more than `capacity` of them,
/// which is capacity_of() the cache or less.
Status check_append(const KvTokens& tokens, const KvView& cache, int64_t capacity);

/// The pages that the new tokens go to exist. The tokens passed check_append().
Status check_new_pages(const KvTokens& tokens, const KvView& cache);

/// How many tokens are appended to batch row b.
int64_t count_of(const KvTokens& tokens, int64_t b);

/// Whether any is, to any of the batch's rows.
bool has_tokens(const KvTokens& tokens, const KvView& cache);

/// Where token t of batch row b stands for rope.
int64_t rope_position(const KvTokens& tokens, const KvView& cache, int64_t b, int64_t t);

}  // namespace attend

#endif  // ATTEND_DECODE_APPEND_VALIDATE_H_
