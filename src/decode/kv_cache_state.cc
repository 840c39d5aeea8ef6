#include "decode/kv_cache_state.h"

#include <cstring>
#include <string>

#include "attention/refusal.h"
#include "decode/kv_view.h"
#include "decode/paged_rows.h"

namespace attend {

Status KvCache::State::check_sequence(const char* argument, int64_t sequence) const {
  if (has(sequence)) return {};
  return invalid(std::string(argument) + " is " + std::to_string(sequence) + ", but the cache has " +
                 std::to_string(options.sequences) + " sequences");
}

std::optional<int32_t> KvCache::State::shared_tail(int64_t sequence) {
  if (length(sequence) % options.page_size == 0) return std::nullopt;
  const int32_t tail = page(sequence, length(sequence) / options.page_size);
  return pool.holders(tail) > 1 ? std::optional(tail) : std::nullopt;
}

int64_t KvCache::State::pages_needed(const KvTokens& tokens, const KvView& view) {
  const auto each_tail_to_share = [&](auto&& visit) {
    for (int64_t b = 0; b < batch_of(view); ++b) {
      if (count_of(tokens, b) == 0) continue;
      const std::optional<int32_t> tail = shared_tail(sequence_of(view, b));
      if (tail) visit(*tail, leaving[static_cast<size_t>(*tail)]);
    }
  };
  int64_t needed = 0;
  for (int64_t b = 0; b < batch_of(view); ++b) {
    const int64_t held = length(sequence_of(view, b));
    needed += pages_of(held + count_of(tokens, b)) - pages_of(held);
  }
  each_tail_to_share([&](int32_t tail, int32_t& left) {
    ++left;
    needed += left < pool.holders(tail) ? 1 : 0;  // the last holder keeps the page, all others copy it
  });
  each_tail_to_share([](int32_t, int32_t& left) { left = 0; });
  return needed;
}

void KvCache::State::copy_page(int32_t from, int32_t to, int64_t tokens) {
  for (const MutableTensorView& t : tensors) {
    if (!t.present()) continue;
    for (int64_t head = 0; head < t.shape[1]; ++head) {
      std::memcpy(row_of(t, to, head, 0), row_of(t, from, head, 0),
                  static_cast<size_t>(tokens * t.shape[3]) * size_of(t.dtype));
    }
  }
}

void KvCache::State::make_room(int64_t sequence, int64_t count) {
  copied_tail(sequence) = -1;
  if (count == 0) return;
  const int64_t old = length(sequence);
  if (const std::optional<int32_t> tail = shared_tail(sequence)) {
    const int32_t own = pool.take();
    copy_page(*tail, own, old % options.page_size);
    pool.release(*tail);
    page(sequence, old / options.page_size) = own;
    copied_tail(sequence) = *tail;
  }
  for (int64_t i = pages_of(old); i < pages_of(old + count); ++i) page(sequence, i) = pool.take();
}

void KvCache::State::take_back_room(int64_t sequence, int64_t count) {
  const int64_t old = length(sequence);
  for (int64_t i = pages_of(old + count); i-- > pages_of(old);) pool.release(page(sequence, i));
  if (copied_tail(sequence) < 0) return;
  int32_t& tail = page(sequence, old / options.page_size);
  pool.release(tail);
  tail = copied_tail(sequence);
  pool.hold(tail);
}

void KvCache::State::truncate(int64_t sequence, int64_t to) {
  for (int64_t i = pages_of(to); i < pages_of(length(sequence)); ++i) pool.release(page(sequence, i));
  length(sequence) = to;
}

KvCache::Room::Room(State& state, const KvTokens& tokens, const KvView& cache)
    : state_(state), tokens_(tokens), cache_(cache) {
  for (int64_t b = 0; b < batch_of(cache_); ++b) {
    state_.make_room(sequence_of(cache_, b), count_of(tokens_, b));
  }
}

KvCache::Room::~Room() {
  if (kept_) return;
  for (int64_t b = batch_of(cache_); b-- > 0;) {
    state_.take_back_room(sequence_of(cache_, b), count_of(tokens_, b));
  }
}

void KvCache::Room::keep() {
  kept_ = true;
  for (int64_t b = 0; b < batch_of(cache_); ++b) {
    state_.length(sequence_of(cache_, b)) += count_of(tokens_, b);
  }
}

}  // namespace attend
