#include "attend/kv_cache.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attention/sizes.h"
#include "decode/append_validate.h"
#include "decode/kv_append.h"
#include "decode/kv_cache_state.h"
#include "decode/kv_validate.h"

namespace attend {

namespace {

// Bookkeeping is written at once, page by page and sequence by sequence, so it has to stay small.
constexpr int64_t kMostPages = int64_t{1} << 24, kMostSequences = int64_t{1} << 24,
                  kMostTableEntries = int64_t{1} << 28;

struct Size {
  const char* name;
  int64_t value, low, high;
};

Status check_options(const KvCacheOptions& o) {
  for (const Size& s :
       {Size{"sequences", o.sequences, 1, kMostSequences}, Size{"capacity", o.capacity, 1, INT64_MAX / 2},
        Size{"kv_heads", o.kv_heads, 1, INT32_MAX}, Size{"key_width", o.key_width, 1, kWidestRow},
        Size{"value_width", o.value_width, 1, kWidestRow}, Size{"page_size", o.page_size, 0, INT64_MAX / 2},
        Size{"pages", o.pages, 0, kMostPages}}) {
    if (s.value >= s.low && s.value <= s.high) continue;
    return invalid(std::string(s.name) + " is " + std::to_string(s.value) + ", but must be in " +
                   std::to_string(s.low) + ".." + std::to_string(s.high));
  }
  return check_type({"cache", {nullptr, o.dtype, {}, {}}, {}}, Also::kInt8);
}

/// Fills in what 0 stands for.
Result<KvCacheOptions> completed(KvCacheOptions o) {
  if (o.page_size == 0) o.page_size = o.capacity;
  const int64_t each = (o.capacity + o.page_size - 1) / o.page_size;
  if (each > kMostTableEntries / o.sequences) {
    return invalid(std::to_string(o.sequences) + " sequences of " + std::to_string(each) +
                   " pages are more than the " + std::to_string(kMostTableEntries) +
                   " entries of the largest block table");
  }
  if (o.pages == 0) o.pages = each * o.sequences;
  if (o.pages <= kMostPages) return o;
  return invalid("the cache needs " + std::to_string(o.pages) +
                 " pages to fill every sequence, but can have at most " + std::to_string(kMostPages));
}

/// The bytes of a tensor in whole cache lines; nothing when they do not fit.
std::optional<size_t> bytes_of(const Shape& shape, DType dtype) {
  size_t bytes = size_of(dtype);
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(n), &bytes)) return std::nullopt;
  }
  if (bytes > size_t{1} << 47) return std::nullopt;  // more than a process can address
  return round_to_lines(bytes);
}

Status too_large() {
  return {StatusCode::kOutOfMemory, "the cache needs more memory than there is"};
}

}  // namespace

Result<KvCache> KvCache::create(const KvCacheOptions& asked) {
  ATTEND_RETURN_IF_ERROR(check_options(asked));
  const Result<KvCacheOptions> options = completed(asked);
  if (!options.ok()) return options.status();
  const KvCacheOptions& o = options.value();
  const Shape key = {o.pages, o.kv_heads, o.page_size, o.key_width},
              value = {o.pages, o.kv_heads, o.page_size, o.value_width},
              scale = {o.dtype == DType::kInt8 ? o.pages : 0, o.kv_heads, o.page_size, 1};
  std::array<MutableTensorView, 4> tensors = {{{nullptr, o.dtype, key, {}},
                                               {nullptr, o.dtype, value, {}},
                                               {nullptr, DType::kFloat32, scale, {}},
                                               {nullptr, DType::kFloat32, scale, {}}}};
  std::array<size_t, 4> offsets{};
  size_t bytes = 0;
  for (size_t i = 0; i < 4; ++i) {
    const std::optional<size_t> size = bytes_of(tensors[i].shape, tensors[i].dtype);
    if (!size) return too_large();
    tensors[i].stride = dense_strides(tensors[i].shape);
    offsets[i] = bytes;
    bytes += *size;
  }
  try {
    const int64_t pages_per_sequence = (o.capacity + o.page_size - 1) / o.page_size;
    auto state = std::make_unique<State>(
        State{o, pages_per_sequence, bytes, allocate_aligned(bytes), tensors, PagePool(o.pages),
              std::vector<int32_t>(static_cast<size_t>(o.sequences * pages_per_sequence), -1),
              std::vector<int64_t>(static_cast<size_t>(o.sequences), 0),
              std::vector<int32_t>(static_cast<size_t>(o.sequences), -1),
              std::vector<int32_t>(static_cast<size_t>(o.pages), 0)});
    for (size_t i = 0; i < 4; ++i) {
      const bool absent = state->tensors[i].shape[0] == 0;
      state->tensors[i].data = absent ? nullptr : state->memory.get() + offsets[i];
    }
    return KvCache(std::move(state));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, "the cache needs " + std::to_string(bytes) + " bytes");
  }
}

Status KvCache::append(const KvTokens& tokens, Executor& executor, std::span<const int32_t> sequences) {
  State& s = *state_;
  const KvView cache = view(sequences);
  ATTEND_RETURN_IF_ERROR(check_append(tokens, cache, s.options.capacity));
  ATTEND_RETURN_IF_ERROR(check_workers(executor));
  const int64_t needed = s.pages_needed(tokens, cache);
  if (needed > s.pool.free()) {
    return {StatusCode::kOutOfMemory, "the tokens need " + std::to_string(needed) +
                                          " more pages, but the cache has " + std::to_string(s.pool.free()) +
                                          " free"};
  }
  Room room(s, tokens, cache);  // in pages of the cache's own, which need no check
  append_checked(tokens, cache, executor);
  room.keep();
  return {};
}

Status KvCache::truncate(int64_t sequence, int64_t length) {
  ATTEND_RETURN_IF_ERROR(state_->check_sequence("sequence", sequence));
  if (length < 0 || length > state_->length(sequence)) {
    return invalid("length is " + std::to_string(length) + ", but sequence " + std::to_string(sequence) +
                   " holds " + std::to_string(state_->length(sequence)) + " tokens");
  }
  state_->truncate(sequence, length);
  return {};
}

Status KvCache::share(int64_t from, int64_t to, int64_t length) {
  State& s = *state_;
  ATTEND_RETURN_IF_ERROR(s.check_sequence("from", from));
  ATTEND_RETURN_IF_ERROR(s.check_sequence("to", to));
  if (length < 0 || length > s.length(from)) {
    return invalid("length is " + std::to_string(length) + ", but sequence " + std::to_string(from) +
                   " holds " + std::to_string(s.length(from)) + " tokens");
  }
  if (from == to) {
    s.truncate(to, length);
    return {};
  }
  for (int64_t i = 0; i < s.pages_of(length); ++i) s.pool.hold(s.page(from, i));
  s.truncate(to, 0);
  std::copy_n(&s.page(from, 0), s.pages_of(length), &s.page(to, 0));
  s.length(to) = length;
  return {};
}

void KvCache::reset() {
  for (int64_t sequence = 0; sequence < state_->options.sequences; ++sequence) state_->truncate(sequence, 0);
}

const KvCacheOptions& KvCache::options() const {
  return state_->options;
}
int64_t KvCache::length(int64_t sequence) const {
  return state_->has(sequence) ? state_->length(sequence) : 0;
}
int64_t KvCache::free_pages() const {
  return state_->pool.free();
}
size_t KvCache::bytes() const {
  return state_->bytes;
}

KvView KvCache::view(std::span<const int32_t> sequences) const {
  const State& s = *state_;
  return MutableKvView{s.tensors[0], s.tensors[1],         s.tensors[2], s.tensors[3],
                       s.table,      s.pages_per_sequence, s.lengths,    sequences};
}

KvCache::KvCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
KvCache::KvCache(KvCache&&) noexcept = default;
KvCache& KvCache::operator=(KvCache&&) noexcept = default;
KvCache::~KvCache() = default;

}  // namespace attend
