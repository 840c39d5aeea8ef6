// Caches behind handles, and appending to caches of the caller's.
#include "attend/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "attend/attend.h"
#include "c_api/convert.h"
#include "c_api/error.h"
#include "c_api/executor.h"
#include "c_api/fields.h"
#include "c_api/operation.h"
#include "c_api/sized_struct.h"

struct attend_kv_cache {
  attend::KvCache own;
};

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::Executor, attend::KvCache, attend::KvCacheOptions, attend::KvTokens, attend::MutableKvView,
    attend::Result, attend::Status;

namespace {

/// body(cache), or an error for NULL.
template <class Handle, class Body>
attend_code with_cache(Handle* cache, Body&& body) {
  return guarded([&]() -> Status {
    if (cache == nullptr) return invalid("cache is a null pointer");
    return body(cache->own);
  });
}

Status create(const attend_kv_cache_options* options, attend_kv_cache** cache) {
  if (cache == nullptr) return invalid("cache is a null pointer");
  KvCacheOptions o;
  ATTEND_RETURN_IF_ERROR(convert(options, o));
  Result<KvCache> made = KvCache::create(o);
  if (!made.ok()) return made.status();
  *cache = new attend_kv_cache{std::move(made).value()};
  return {};
}

/// Fills the fields that the caller's struct has.
Status write_view(const KvCache& cache, attend_kv_view* view) {
  attend_kv_view old;
  ATTEND_RETURN_IF_ERROR(read_struct(view, "view", old));
  const size_t size = old.size;
  attend_kv_view now = to_c(cache.view());
  now.size = size;
  std::memcpy(view, &now, std::min(size, sizeof now));
  return {};
}

}  // namespace

attend_code attend_kv_append(const attend_kv_tokens* tokens, const attend_mutable_kv_view* cache,
                             const attend_resources* resources) {
  return guarded([&]() -> Status {
    KvTokens t;
    MutableKvView to;
    Resources r;
    ATTEND_RETURN_IF_ERROR(convert(tokens, t));
    ATTEND_RETURN_IF_ERROR(convert(cache, to));
    ATTEND_RETURN_IF_ERROR(convert(resources, r));
    return with_executor(r.executor, [&](Executor& executor) { return attend::kv_append(t, to, executor); });
  });
}

attend_code attend_kv_cache_create(const attend_kv_cache_options* options, attend_kv_cache** cache) {
  return guarded([&] { return create(options, cache); });
}

void attend_kv_cache_destroy(attend_kv_cache* cache) {
  delete cache;
}

attend_code attend_kv_cache_append(attend_kv_cache* cache, const attend_kv_tokens* tokens,
                                   const int32_t* sequences, size_t sequences_count,
                                   const attend_resources* resources) {
  return with_cache(cache, [&](KvCache& own) -> Status {
    KvTokens t;
    std::span<const int32_t> rows;
    Resources r;
    ATTEND_RETURN_IF_ERROR(convert(tokens, t));
    ATTEND_RETURN_IF_ERROR(convert_numbers(sequences, sequences_count, "sequences", rows));
    ATTEND_RETURN_IF_ERROR(convert(resources, r));
    return with_executor(r.executor, [&](Executor& executor) { return own.append(t, executor, rows); });
  });
}

attend_code attend_kv_cache_truncate(attend_kv_cache* cache, int64_t sequence, int64_t length) {
  return with_cache(cache, [&](KvCache& own) { return own.truncate(sequence, length); });
}

attend_code attend_kv_cache_share(attend_kv_cache* cache, int64_t from, int64_t to, int64_t length) {
  return with_cache(cache, [&](KvCache& own) { return own.share(from, to, length); });
}

attend_code attend_kv_cache_reset(attend_kv_cache* cache) {
  return with_cache(cache, [](KvCache& own) {
    own.reset();
    return Status();
  });
}

attend_code attend_kv_cache_length(const attend_kv_cache* cache, int64_t sequence, int64_t* length) {
  return with_cache(cache, [&](const KvCache& own) -> Status {
    if (length == nullptr) return invalid("length is a null pointer");
    if (sequence < 0 || sequence >= own.options().sequences) {
      return invalid("sequence is " + std::to_string(sequence) + ", but the cache has " +
                     std::to_string(own.options().sequences) + " sequences");
    }
    *length = own.length(sequence);
    return {};
  });
}

int64_t attend_kv_cache_free_pages(const attend_kv_cache* cache) {
  return cache == nullptr ? 0 : cache->own.free_pages();
}

size_t attend_kv_cache_bytes(const attend_kv_cache* cache) {
  return cache == nullptr ? 0 : cache->own.bytes();
}

attend_code attend_kv_cache_view(const attend_kv_cache* cache, attend_kv_view* view) {
  return with_cache(cache, [&](const KvCache& own) { return write_view(own, view); });
}
