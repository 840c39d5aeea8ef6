// What is checked about a cache before it is read or written.
#ifndef ATTEND_DECODE_KV_VALIDATE_H_
#define ATTEND_DECODE_KV_VALIDATE_H_

#include <cstdint>

#include "attend/kv_cache.h"
#include "attention/operand.h"

namespace attend {

/// The four tensors of a cache and its three lists, with the names that messages give them.
struct CacheOperands {
  explicit CacheOperands(const KvView& cache);
  Operand key, value, key_scale, value_scale;
  Operand block_table, lengths, sequences;
};

/// Types, shapes, memory, the block table's shape, lengths and sequence numbers; not the table's entries.
Status check_cache(const KvView& cache);

/// The pages that hold tokens [first, end) of a sequence exist. The cache passed check_cache(), and `end` is
/// within its capacity.
Status check_pages(const KvView& cache, int64_t sequence, int64_t first, int64_t end);

}  // namespace attend

#endif  // ATTEND_DECODE_KV_VALIDATE_H_
