#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "attend/attention.h"
#include "attention/sizes.h"
#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "fuzz/spoil.h"

namespace attend {
namespace {

/// Options with every tensor and list, for sizes of which none is 0.
class Options {
 public:
  Options(Choices& choices, const Sizes& n, SpoilMemory& memory)
      : n_(n), lengths_(static_cast<size_t>(n.B), n.Tk), offsets_(choices.flip() ? lengths_.size() : 1) {
    // Every byte of the mask is 1: a bool that is neither true nor false has no meaning.
    mask_.assign(4096, 1);
    full_ = {n.B, n.Hq, n.Tq, n.Tk};
    Shape shape = full_;
    for (int64_t& size : shape) size = choices.flip() ? 1 : size;
    options.mask = {mask_.data(), DType::kBool, shape, dense_strides(shape)};
    options.bias = {memory.take(), DType::kFloat32, shape, dense_strides(shape)};
    options.alibi_slopes = {static_cast<float*>(memory.take()), Shape{1, n.Hq, 1, 1}};
    options.sinks = {static_cast<float*>(memory.take()), Shape{1, n.Hq, 1, 1}};
    options.kv_lengths = lengths_;
    options.query_offset = offsets_;
    options.dropout = choices.flip() ? 0.5f : 0.0f;
    const std::vector<Isa> all = isas();
    options.isa = all[static_cast<size_t>(choices.between(0, static_cast<int64_t>(all.size()) - 1))];
  }

  Wrong spoil_tensor(Choices& choices) {
    switch (choices.between(0, 3)) {
      case 0:
        return attend::spoil_tensor(choices, Role::kBroadcast, full_, options.mask);
      case 1:
        return attend::spoil_tensor(choices, Role::kBroadcast, full_, options.bias);
      case 2:
        return attend::spoil_tensor(choices, Role::kBroadcast, {n_.B, n_.Hq, 1, 1}, options.alibi_slopes);
      default:
        return attend::spoil_tensor(choices, Role::kBroadcast, {1, n_.Hq, 1, 1}, options.sinks);
    }
  }

  Wrong spoil_number(Choices& choices) {
    const float strange = choices.of(kStrangeFloats);
    const int64_t number = choices.of(kStrangeNumbers);
    switch (choices.between(0, 9)) {
      case 0:
        options.scale = strange;
        return certainly(!std::isfinite(strange));
      case 1:
        options.softcap = strange;
        return certainly(!std::isfinite(strange) || (strange < 1e-30f && strange != 0));
      case 2:
        options.dropout = strange;
        return certainly(!(strange >= 0 && strange < 1));
      case 3:
        (choices.flip() ? options.window.left : options.window.right) = number;
        return certainly(number < -1);
      case 4:
        offsets_[0] = number;
        return certainly(number > int64_t{1} << 48 || number < -(int64_t{1} << 48));
      case 5:
        lengths_[0] = number;
        return certainly(number < 0 || number > n_.Tk);
      case 6:
        lengths_.push_back(1);
        options.kv_lengths = lengths_;
        return Wrong::kCertainly;
      case 7:
        options.causal = choices.flip() ? Causal::kUpperLeft : Causal::kLowerRight;  // and an offset
        return Wrong::kCertainly;
      case 8:
        (choices.flip() ? numbers(options.alibi_slopes) : numbers(options.sinks))[0] = strange;
        return certainly(std::isnan(strange) || strange == INFINITY);
      default:
        options.isa = static_cast<Isa>(choices.between(0, 6));
        return certainly(static_cast<int>(*options.isa) > static_cast<int>(Isa::kNeon));
    }
  }

  AttentionOptions options;

 private:
  static float* numbers(const TensorView& view) { return static_cast<float*>(const_cast<void*>(view.data)); }

  Sizes n_;
  Shape full_;
  std::vector<uint8_t> mask_;
  std::vector<int64_t> lengths_, offsets_;
};

Sizes draw_small(Choices& choices) {
  Sizes n = {};
  n.B = choices.between(1, 2);
  n.Hkv = choices.between(1, 2);
  n.Hq = n.Hkv * choices.between(1, 2);
  n.Tq = choices.flip() ? choices.between(1, 4) : 20;
  n.Tk = choices.between(1, 6);
  n.D = choices.between(1, 9);
  n.Dv = choices.between(1, 9);
  return n;
}

MutableTensorView made(SpoilMemory& memory, const Shape& shape) {
  return {static_cast<float*>(memory.take()), shape};
}

/// Runs a call with its own or with the caller's scratch, which may be too small or askew.
template <class Tensors, class Operation>
Status run(Choices& choices, const Tensors& tensors, const AttentionOptions& options, size_t bytes,
           Operation operation) {
  if (choices.flip()) return operation(tensors, options, serial_executor());
  const AlignedBytes memory = allocate_aligned(bytes + 64);
  const size_t lead = choices.flip() ? 0 : 4, size = choices.flip() || bytes == 0 ? bytes : bytes - 1;
  const Status status = operation(tensors, options, {serial_executor(), {memory.get() + lead, size}});
  const bool suffices = size == 0 || (lead == 0 && size == bytes);  // without scratch the call has its own
  EXPECT_TRUE(suffices || !status.ok());
  return status;
}

/// One of the tensors, or one of the options.
template <class Tensors, size_t N>
Wrong spoil_call(Choices& choices, TensorView* const (&reads)[3], Tensors* const (&writes)[N],
                 const Role (&roles)[N], Options& options) {
  switch (choices.between(0, 4)) {
    case 0:
      return spoil_tensor(choices, Role::kRead, {}, *choices.of(reads));
    case 1: {
      const auto one = static_cast<size_t>(choices.between(0, N - 1));
      return spoil_tensor(choices, roles[one], {}, *writes[one]);
    }
    case 2: {
      const MutableTensorView& written = *choices.of(writes);
      choices.of(reads)->data = written.data;
      return written.present() ? Wrong::kCertainly : Wrong::kPerhaps;
    }
    case 3:
      return options.spoil_tensor(choices);
    default:
      return options.spoil_number(choices);
  }
}

}  // namespace

void fuzz_hostile_forward(Choices& choices) {
  const Sizes n = draw_small(choices);
  SpoilMemory memory;
  Options options(choices, n, memory);
  AttentionTensors t;
  t.query = made(memory, {n.B, n.Hq, n.Tq, n.D});
  t.key = made(memory, {n.B, n.Hkv, n.Tk, n.D});
  t.value = made(memory, {n.B, n.Hkv, n.Tk, n.Dv});
  t.output = made(memory, {n.B, n.Hq, n.Tq, n.Dv});
  t.lse = made(memory, {n.B, n.Hq, n.Tq, 1});
  t.weights = made(memory, {n.B, n.Hq, n.Tq, n.Tk});
  t.head_mean = made(memory, {n.B, 1, n.Tq, n.Tk});
  t.column_sums = made(memory, {n.B, n.Hq, 1, n.Tk});
  constexpr Role kMaybe = Role::kMayBeWritten;
  const Wrong wrong = spoil_call(choices, {&t.query, &t.key, &t.value},
                                 {&t.output, &t.lse, &t.weights, &t.head_mean, &t.column_sums},
                                 {Role::kWritten, kMaybe, kMaybe, kMaybe, kMaybe}, options);
  const std::vector<uint32_t> before = memory.bits();
  const size_t bytes = attention_scratch_bytes(t, options.options, 1).value_or(0);
  const Status status = run(choices, t, options.options, bytes, attention);
  SCOPED_TRACE(::testing::Message() << "forward: " << explain(t, options.options).value_or(status.message()));
  expect_harmless(wrong, status, memory.bits() == before);
}

void fuzz_hostile_backward(Choices& choices) {
  const Sizes n = draw_small(choices);
  SpoilMemory memory;
  Options options(choices, n, memory);
  const Shape query = {n.B, n.Hq, n.Tq, n.D}, key = {n.B, n.Hkv, n.Tk, n.D}, value = {n.B, n.Hkv, n.Tk, n.Dv},
              output = {n.B, n.Hq, n.Tq, n.Dv};
  AttentionGradientTensors t;
  t.query = made(memory, query);
  t.key = made(memory, key);
  t.value = made(memory, value);
  t.output = made(memory, output);
  t.lse = made(memory, {n.B, n.Hq, n.Tq, 1});
  t.output_gradient = made(memory, output);
  t.query_gradient = made(memory, query);
  t.key_gradient = made(memory, key);
  t.value_gradient = made(memory, value);
  t.bias_gradient = made(memory, options.options.bias.shape);
  t.sinks_gradient = made(memory, options.options.sinks.shape);
  constexpr Role kMaybe = Role::kMayBeWritten;
  TensorView* const some[] = {&t.output, &t.lse, &t.output_gradient};
  const Wrong wrong =
      choices.once_in(4)
          ? spoil_tensor(choices, Role::kRead, {}, *choices.of(some))
          : spoil_call(
                choices, {&t.query, &t.key, &t.value},
                {&t.query_gradient, &t.key_gradient, &t.value_gradient, &t.bias_gradient, &t.sinks_gradient},
                {Role::kWritten, Role::kWritten, Role::kWritten, kMaybe, kMaybe}, options);
  const std::vector<uint32_t> before = memory.bits();
  const size_t bytes = attention_backward_scratch_bytes(t, options.options, 1).value_or(0);
  const Status status = run(choices, t, options.options, bytes, attention_backward);
  SCOPED_TRACE(::testing::Message() << "backward: " << status.message());
  expect_harmless(wrong, status, memory.bits() == before);
}

}  // namespace attend
