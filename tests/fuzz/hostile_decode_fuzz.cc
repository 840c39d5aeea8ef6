#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "attend/decode.h"
#include "fuzz/fuzz.h"
#include "fuzz/spoil.h"

namespace attend {
namespace {

/// A cache of pages, each sequence with pages of its own, and what is to be decoded or appended.
struct Call {
  explicit Call(Choices& choices)
      : B(choices.between(1, 3)),
        Hkv(choices.between(1, 2)),
        Hq(Hkv * choices.between(1, 2)),
        T(choices.between(1, 3)),
        D(choices.between(1, 9)),
        Dv(choices.between(1, 9)),
        page_size(choices.between(1, 4)),
        pages(B * kPagesPerSequence) {
    const bool int8 = choices.flip();
    const DType stored = int8 ? DType::kInt8 : DType::kFloat32;
    cache.key = made(stored, {pages, Hkv, page_size, D});
    cache.value = made(stored, {pages, Hkv, page_size, Dv});
    if (int8) {
      cache.key_scale = made(DType::kFloat32, {pages, Hkv, page_size, 1});
      cache.value_scale = made(DType::kFloat32, {pages, Hkv, page_size, 1});
    }
    for (int64_t p = 0; p < pages; ++p) table.push_back(static_cast<int32_t>(pages - 1 - p));
    cache.pages_per_sequence = kPagesPerSequence;
    for (int64_t b = 0; b < B; ++b) {
      // The last page is never reached, and T tokens more fit.
      lengths.push_back(choices.between(0, kPagesPerSequence * page_size - T));
      sequences.push_back(static_cast<int32_t>(B - 1 - b));
      counts.push_back(choices.between(0, T));
    }
    borrow();
  }
  Call(const Call&) = delete;

  void borrow() {
    cache.block_table = table;
    cache.lengths = lengths;
    cache.sequences = sequences;
  }

  MutableTensorView made(DType dtype, const Shape& shape) {
    return {memory.take(), dtype, shape, dense_strides(shape)};
  }

  /// Breaks the cache. Entries of the table, and lengths, may be wrong where nobody looks.
  Wrong spoil_cache(Choices& choices, Role role) {
    MutableTensorView* const tensors[] = {&cache.key, &cache.value, &cache.key_scale, &cache.value_scale};
    const int64_t number = choices.of(kStrangeNumbers);
    switch (choices.between(0, 7)) {
      case 0:
      case 1: {
        MutableTensorView& tensor = *choices.of(tensors);
        return tensor.present() ? spoil_tensor(choices, role, {}, tensor) : Wrong::kPerhaps;
      }
      case 2:
        table[static_cast<size_t>(choices.between(0, pages - 1))] = static_cast<int32_t>(
            choices.flip() ? choices.between(-2, -1) : pages + choices.between(0, 1) * 1000);
        return Wrong::kPerhaps;
      case 3:
        lengths[0] = number;
        return certainly(number < 0 || number > kPagesPerSequence * page_size);
      case 4:
        sequences[0] = choices.flip() ? -1 : static_cast<int32_t>(B);
        return Wrong::kCertainly;
      case 5:
        cache.pages_per_sequence = number == kPagesPerSequence ? 0 : number;
        return Wrong::kCertainly;
      case 6:
        table.pop_back();
        borrow();
        return Wrong::kCertainly;
      default:
        if (B == 1) return Wrong::kPerhaps;
        cache.block_table = {};  // no table, several pages a sequence
        return Wrong::kCertainly;
    }
  }

  static constexpr int64_t kPagesPerSequence = 4;
  int64_t B, Hkv, Hq, T, D, Dv, page_size, pages;
  SpoilMemory memory;
  MutableKvView cache;
  std::vector<int32_t> table, sequences;
  std::vector<int64_t> lengths, counts;
};

Wrong spoil_options(Choices& choices, Call& call, float* per_head, DecodeOptions& options) {
  const float strange = choices.of(kStrangeFloats);
  const int64_t number = choices.of(kStrangeNumbers);
  switch (choices.between(0, 7)) {
    case 0:
      options.scale = strange;
      return certainly(!std::isfinite(strange));
    case 1:
      options.softcap = strange;
      return certainly(!std::isfinite(strange) || (strange < 1e-30f && strange != 0));
    case 2:
      (choices.flip() ? options.window.left : options.window.right) = number;
      return certainly(number < -1);
    case 3:
      options.causal = Causal::kQueryOffset;
      return Wrong::kCertainly;
    case 4:
      call.counts[0] = number;
      return certainly(number < 0 || number > call.T);
    case 5:
      call.counts.push_back(0);
      options.query_counts = call.counts;
      return Wrong::kCertainly;
    case 6:
      per_head[0] = strange;
      return certainly(std::isnan(strange) || strange == INFINITY);
    default:
      return choices.flip()
                 ? spoil_tensor(choices, Role::kBroadcast, {call.B, call.Hq, 1, 1}, options.alibi_slopes)
                 : spoil_tensor(choices, Role::kBroadcast, {1, call.Hq, 1, 1}, options.sinks);
  }
}

}  // namespace

void fuzz_hostile_decode(Choices& choices) {
  Call call(choices);
  auto* per_head = static_cast<float*>(call.memory.take());
  DecodeTensors t;
  t.query = call.made(DType::kFloat32, {call.B, call.Hq, call.T, call.D});
  t.output = call.made(DType::kFloat32, {call.B, call.Hq, call.T, call.Dv});
  t.lse = call.made(DType::kFloat32, {call.B, call.Hq, call.T, 1});
  const std::vector<Isa> all = isas();
  DecodeOptions options;
  options.isa = all[static_cast<size_t>(choices.between(0, static_cast<int64_t>(all.size()) - 1))];
  options.query_counts = call.counts;
  options.alibi_slopes = options.sinks = TensorView(per_head, Shape{1, call.Hq, 1, 1});
  Wrong wrong = Wrong::kPerhaps;
  switch (choices.between(0, 4)) {
    case 0:
      wrong = spoil_tensor(choices, Role::kRead, {}, t.query);
      break;
    case 1:
      wrong = choices.flip() ? spoil_tensor(choices, Role::kWritten, {}, t.output)
                             : spoil_tensor(choices, Role::kMayBeWritten, {}, t.lse);
      break;
    case 2:
      t.output.data = choices.flip() ? call.cache.key.data : t.lse.data;
      wrong = Wrong::kCertainly;
      break;
    case 3:
      wrong = call.spoil_cache(choices, Role::kRead);
      break;
    default:
      wrong = spoil_options(choices, call, per_head, options);
  }
  t.cache = call.cache;
  const std::vector<uint32_t> before = call.memory.bits();
  const Status status = attention_decode(t, options, serial_executor());
  SCOPED_TRACE(::testing::Message() << "decode: " << explain_decode(t, options).value_or(status.message()));
  expect_harmless(wrong, status, call.memory.bits() == before);
}

void fuzz_hostile_append(Choices& choices) {
  Call call(choices);
  KvTokens tokens;
  tokens.key = call.made(DType::kFloat32, {call.B, call.Hkv, call.T, call.D});
  tokens.value = call.made(DType::kFloat32, {call.B, call.Hkv, call.T, call.Dv});
  tokens.counts = call.counts;
  Wrong wrong = Wrong::kPerhaps;
  switch (choices.between(0, 4)) {
    case 0:
      wrong = spoil_tensor(choices, Role::kRead, {}, choices.flip() ? tokens.key : tokens.value);
      break;
    case 1:
      tokens.key.data = call.cache.value.data;
      wrong = Wrong::kCertainly;
      break;
    case 2:
      call.counts[0] = choices.flip() ? -1 : call.T + 1;
      wrong = Wrong::kCertainly;
      break;
    case 3:
      if (call.B == 1) break;
      call.sequences[1] = call.sequences[0];
      wrong = Wrong::kCertainly;
      break;
    default:
      wrong = call.spoil_cache(choices, Role::kWritten);
  }
  const std::vector<uint32_t> before = call.memory.bits();
  const Status status = kv_append(tokens, call.cache, serial_executor());
  SCOPED_TRACE(::testing::Message() << "append: " << status.message());
  expect_harmless(wrong, status, call.memory.bits() == before);
}

}  // namespace attend
