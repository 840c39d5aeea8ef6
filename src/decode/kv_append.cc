#include <cstdint>

#include "attend/kv_cache.h"
#include "attention/refusal.h"
#include "attention/rotation.h"
#include "attention/sizes.h"
#include "decode/append_validate.h"
#include "decode/float_rows.h"
#include "decode/kv_append.h"
#include "decode/kv_view.h"
#include "decode/paged_rows.h"
#include "decode/quantize.h"

namespace attend {
namespace {

/// One tensor of a cache beside the tokens that go there.
struct Destination {
  TensorView from;
  TensorView to, scale;
};

/// Nothing is done to a row of values before it is stored.
constexpr auto kAsIs = [](int64_t, float*) {};

/// The tokens of batch row b and one head; change(t, row) is what becomes of token t before it is stored.
template <class Change>
void append_rows(const Destination& d, const KvView& cache, int64_t b, int64_t head, int64_t count,
                 const Change& change) {
  const int64_t sequence = sequence_of(cache, b), length = length_of(cache, b), width = d.from.shape[3];
  const bool quantized = d.to.dtype == DType::kInt8;
  const PagedRows rows(d.to, cache, sequence, head),
      scales(quantized ? d.scale : d.to, cache, sequence, head);
  float numbers[kWidestRow];
  for (int64_t t = 0; t < count; ++t) {
    read_floats(row_of(d.from, b, head, t), d.from.dtype, width, numbers);
    change(t, numbers);
    std::byte* to = const_cast<std::byte*>(rows.row(length + t));
    if (quantized) {
      auto* scale = reinterpret_cast<float*>(const_cast<std::byte*>(scales.row(length + t)));
      *scale = quantize_row(numbers, width, reinterpret_cast<int8_t*>(to));
    } else {
      write_floats(numbers, width, d.to.dtype, to);
    }
  }
}

}  // namespace

void append_checked(const KvTokens& tokens, const KvView& cache, Executor& executor) {
  if (!has_tokens(tokens, cache)) return;
  const int64_t heads = cache.key.shape[1], width = cache.key.shape[3];
  const TurnTable<float> turns(tokens.rope);
  executor.for_each(batch_of(cache) * heads, [&](int64_t task, int) {
    const int64_t b = task / heads, head = task % heads, count = count_of(tokens, b);
    const auto turn = [&](int64_t t, float* row) {
      if (turns.present()) turn_row(turns.at(rope_position(tokens, cache, b, t)), row, width, row);
    };
    append_rows({tokens.key, cache.key, cache.key_scale}, cache, b, head, count, turn);
    append_rows({tokens.value, cache.value, cache.value_scale}, cache, b, head, count, kAsIs);
  });
}

Status kv_append(const KvTokens& tokens, const MutableKvView& cache, Executor& executor) {
  const KvView view(cache);
  ATTEND_RETURN_IF_ERROR(check_append(tokens, view, capacity_of(view)));
  ATTEND_RETURN_IF_ERROR(check_new_pages(tokens, view));
  ATTEND_RETURN_IF_ERROR(check_workers(executor));
  append_checked(tokens, view, executor);
  return {};
}

}  // namespace attend
