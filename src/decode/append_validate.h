// What is checked about new tokens before they are written to a cache.
#ifndef ATTEND_DECODE_APPEND_VALIDATE_H_
#define ATTEND_DECODE_APPEND_VALIDATE_H_

#include <cstdint>

#include "attend/kv_cache.h"

namespace attend {

/// Whether the block table names the pages that the new tokens go to already, and is checked.
enum class Table { kComplete, kLater };

/// OK when the cache is sound, the tokens fit it, and every sequence has room for them.
Status check_append(const KvTokens& tokens, const KvView& cache, Table table);

/// How many tokens are appended to batch row b.
int64_t count_of(const KvTokens& tokens, int64_t b);

/// Where token t of batch row b stands for rope.
int64_t rope_position(const KvTokens& tokens, const KvView& cache, int64_t b, int64_t t);

}  // namespace attend

#endif  // ATTEND_DECODE_APPEND_VALIDATE_H_
