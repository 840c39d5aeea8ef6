#include "decode/kv_validate.h"

#include <string>

#include "attention/dtypes.h"
#include "attention/sizes.h"
#include "decode/kv_view.h"

namespace attend {
namespace {

std::string entry(const char* list, int64_t index, int64_t number) {
  return std::string(list) + "[" + std::to_string(index) + "] is " + std::to_string(number);
}

Status check_scale(const Operand& scale, const Operand& rows) {
  if (rows.view.dtype != DType::kInt8) {
    if (!scale.view.present()) return {};
    return invalid(std::string(scale.name) + " is given, but " + rows.name + " is " +
                   name_of(rows.view.dtype) + " and only int8 has scales");
  }
  ATTEND_RETURN_IF_ERROR(check_type(scale, DType::kFloat32));
  ATTEND_RETURN_IF_ERROR(check_same(scale, {0, 1, 2}, rows));
  ATTEND_RETURN_IF_ERROR(check_size(scale, 3, 1));
  return check_memory(scale);
}

Status check_table(const KvView& cache) {
  const int64_t sequences = static_cast<int64_t>(cache.lengths.size()), pages = cache.key.shape[0];
  if (cache.pages_per_sequence < 1) {
    return invalid("cache pages_per_sequence is " + std::to_string(cache.pages_per_sequence) +
                   ", but must be at least 1");
  }
  if (cache.block_table.empty() && sequences > 0) {
    if (cache.pages_per_sequence != 1) {
      return invalid("cache pages_per_sequence is " + std::to_string(cache.pages_per_sequence) +
                     ", but without a block_table it must be 1");
    }
    if (sequences > pages) {
      return invalid("cache lengths has " + std::to_string(sequences) +
                     " numbers, but cache key axis pages is " + std::to_string(pages) +
                     " and there is no block_table");
    }
  } else if (static_cast<int64_t>(cache.block_table.size()) / cache.pages_per_sequence != sequences ||
             static_cast<int64_t>(cache.block_table.size()) % cache.pages_per_sequence != 0) {
    return invalid("cache block_table has " + std::to_string(cache.block_table.size()) + " entries, but " +
                   std::to_string(sequences) + " sequences of " + std::to_string(cache.pages_per_sequence) +
                   " pages need another number");
  }
  return {};
}

Status check_lengths(const KvView& cache) {
  const int64_t capacity = capacity_of(cache), sequences = static_cast<int64_t>(cache.lengths.size());
  for (int64_t s = 0; s < sequences; ++s) {
    const int64_t length = cache.lengths[static_cast<size_t>(s)];
    if (length >= 0 && length <= capacity) continue;
    return invalid("cache " + entry("lengths", s, length) + ", but must be in 0.." +
                   std::to_string(capacity) + ", the capacity of a sequence");
  }
  for (size_t b = 0; b < cache.sequences.size(); ++b) {
    if (cache.sequences[b] >= 0 && cache.sequences[b] < sequences) continue;
    return invalid(entry("sequences", static_cast<int64_t>(b), cache.sequences[b]) + ", but the cache has " +
                   std::to_string(sequences) + " sequences");
  }
  return {};
}

}  // namespace

CacheOperands::CacheOperands(const KvView& c)
    : key{"cache key", c.key, {"pages", "Hkv", "page_size", "D"}},
      value{"cache value", c.value, {"pages", "Hkv", "page_size", "Dv"}},
      key_scale{"cache key_scale", c.key_scale, {"pages", "Hkv", "page_size", "3"}},
      value_scale{"cache value_scale", c.value_scale, {"pages", "Hkv", "page_size", "3"}},
      block_table(list_of("cache block_table", c.block_table)),
      lengths(list_of("cache lengths", c.lengths)),
      sequences(list_of("sequences", c.sequences)) {}

Status check_cache(const KvView& cache) {
  const CacheOperands o(cache);
  ATTEND_RETURN_IF_ERROR(check_type(o.key, Also::kInt8));
  ATTEND_RETURN_IF_ERROR(check_same_type(o.value, o.key));
  ATTEND_RETURN_IF_ERROR(check_range(o.key, 0, 0, INT32_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(o.key, 1, 1, INT64_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(o.key, 2, 1, INT64_MAX));
  ATTEND_RETURN_IF_ERROR(check_range(o.key, 3, 1, kWidestRow));
  ATTEND_RETURN_IF_ERROR(check_range(o.value, 3, 1, kWidestRow));
  ATTEND_RETURN_IF_ERROR(check_same(o.value, {0, 1, 2}, o.key));
  ATTEND_RETURN_IF_ERROR(check_memory(o.key));
  ATTEND_RETURN_IF_ERROR(check_memory(o.value));
  ATTEND_RETURN_IF_ERROR(check_scale(o.key_scale, o.key));
  ATTEND_RETURN_IF_ERROR(check_scale(o.value_scale, o.value));
  ATTEND_RETURN_IF_ERROR(check_table(cache));
  return check_lengths(cache);
}

Status check_pages(const KvView& cache, int64_t sequence, int64_t first, int64_t end) {
  if (cache.block_table.empty() || first >= end) return {};
  const int64_t page_size = cache.key.shape[2], pages = cache.key.shape[0];
  for (int64_t i = first / page_size; i <= (end - 1) / page_size; ++i) {
    const int32_t page = cache.block_table[static_cast<size_t>(sequence * cache.pages_per_sequence + i)];
    if (page >= 0 && page < pages) continue;
    return invalid("cache block_table[" + std::to_string(sequence) + ", " + std::to_string(i) + "] is page " +
                   std::to_string(page) + ", but cache key axis pages is " + std::to_string(pages));
  }
  return {};
}

}  // namespace attend
