// Bad calls: each is refused in a sentence that names the operand, the axis and both numbers, before anything
// is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "attend/attention.h"
#include "attention/valid_call.h"
#include "base/idle_executor.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

using Call = ValidCall;

TEST(Validation, AcceptsTheCallThatTheOthersSpoil) {
  Call call;
  EXPECT_TRUE(attention(call.tensors, call.options, serial_executor()).ok());
  EXPECT_TRUE(attention_backward(call.gradients, call.options, serial_executor()).ok());
  EXPECT_TRUE(call.written());
}

TEST(Validation, RefusesAnExecutorWithoutWorkers) {
  for (const int workers : {0, -3, INT_MIN}) {
    Call call;
    IdleExecutor executor(workers);
    const std::string too_few = "workers is " + std::to_string(workers) + ", but must be at least 1";
    for (const Status& status : {attention(call.tensors, call.options, executor),
                                 attention_backward(call.gradients, call.options, executor)}) {
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(status.message(),
                "executor has " + std::to_string(workers) + " workers, but must have at least 1");
    }
    EXPECT_EQ(attention_scratch_bytes(call.tensors, call.options, workers).status().message(), too_few);
    EXPECT_EQ(attention_backward_scratch_bytes(call.gradients, call.options, workers).status().message(),
              too_few);
  }
}

TEST(Validation, NamesTheAxisAndBothNumbers) {
  expect_refused([](Call& c) { c.tensors.key.shape[3] = 5; }, "key axis D is 5, but query axis D is 8");
  expect_refused([](Call& c) { c.tensors.key.shape[0] = 1; }, "key axis B is 1, but query axis B is 2");
  expect_refused([](Call& c) { c.tensors.value.shape[1] = 4; }, "value axis Hkv is 4, but key axis Hkv is 2");
  expect_refused([](Call& c) { c.tensors.value.shape[2] = 6; }, "value axis Tk is 6, but key axis Tk is 7");
  expect_refused([](Call& c) { c.tensors.output.shape[3] = 8; },
                 "output axis Dv is 8, but value axis Dv is 6");
  expect_refused([](Call& c) { c.tensors.output.shape[2] = 4; },
                 "output axis Tq is 4, but query axis Tq is 5");
  expect_refused([](Call& c) { c.tensors.lse.shape[3] = 2; }, "lse axis 3 is 2, but must be 1");
  expect_refused(
      [](Call& c) {
        c.tensors.head_mean = {c.extra.data(), Shape{2, 4, 5, 7}};
      },
      "head_mean axis 1 is 4, but must be 1");
  expect_refused(
      [](Call& c) {
        c.tensors.column_sums = {c.extra.data(), Shape{2, 4, 1, 6}};
      },
      "column_sums axis Tk is 6, but key axis Tk is 7");
  expect_refused([](Call& c) { c.tensors.weights.shape[3] = 8; },
                 "weights axis Tk is 8, but key axis Tk is 7");
}

TEST(Validation, RefusesARopeThatDoesNotFit) {
  const auto refused = [](const std::function<void(Call&)>& spoil, const std::string& message) {
    const auto with_rope = [&](Call& c) {
      c.options.rope = {RopeLayout::kHalfSplit,
                        {c.extra.data(), Shape{1, 1, 7, 3}},
                        {c.extra.data() + 21, Shape{1, 1, 7, 3}}};
      spoil(c);
    };
    expect_refused(with_rope, message);
    expect_backward_refused(with_rope, message);
  };
  static const std::vector<int64_t> offset = {3}, before = {-1}, five = {0, 1, 2, 3, 7},
                                    keys = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 8, 0, 0, 0};
  refused([](Call& c) { c.options.rope.sin = {}; }, "rope.sin is a null pointer");
  refused([](Call& c) { c.options.rope.cos.dtype = DType::kFloat64; },
          "rope.cos is float64, but must be float32");
  refused([](Call& c) { c.options.rope.cos.shape[3] = c.options.rope.sin.shape[3] = 5; },
          "rope.cos axis R/2 is 5, of two features each, but query axis D is 8");
  refused([](Call& c) { c.options.rope.cos.shape[2] = c.options.rope.sin.shape[2] = 6; },
          "query 4 of batch row 0 has position 6, but rope.cos axis P is 6");
  refused([](Call& c) { c.options.query_offset = offset; },
          "query 4 of batch row 0 has position 7, but rope.cos axis P is 7");
  refused([](Call& c) { c.options.query_offset = before; },
          "query 0 of batch row 0 has position -1, but positions begin at 0");
  refused([](Call& c) { c.options.query_positions = five; },
          "query 4 of batch row 0 has position 7, but rope.cos axis P is 7");
  refused([](Call& c) { c.options.key_positions = keys; },
          "key 3 of batch row 1 has position 8, but rope.cos axis P is 7");
  refused([](Call& c) { c.options.key_positions = five; },
          "key_positions has 5 numbers, but must have 7, or as many for each of 2 batch rows");
  refused(
      [](Call& c) {
        c.options.rope = {};
        c.options.query_positions = five;
      },
      "query_positions has 5 numbers, but rope is absent");
  expect_refused(
      [](Call& c) {
        c.options.rope = {RopeLayout::kHalfSplit,
                          {c.output.data(), Shape{1, 1, 7, 3}},
                          {c.extra.data(), Shape{1, 1, 7, 3}}};
      },
      "output overlaps rope.cos in memory");
}

TEST(Validation, LooksAtNoPositionPastALength) {
  Call call;
  const std::vector<int64_t> keys = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, -9, 99, 99, 99};
  call.options.rope = {RopeLayout::kHalfSplit,
                       {call.extra.data(), Shape{1, 1, 7, 3}},
                       {call.extra.data() + 21, Shape{1, 1, 7, 3}}};
  call.options.key_positions = keys;
  call.options.kv_lengths = call.lengths;
  EXPECT_TRUE(attention(call.tensors, call.options, serial_executor()).ok());
  EXPECT_TRUE(attention_backward(call.gradients, call.options, serial_executor()).ok());
}

TEST(Validation, RefusesSizesOutsideTheContract) {
  expect_refused([](Call& c) { c.tensors.query.shape[1] = 3; },
                 "query axis Hq is 3, but must be a multiple of key axis Hkv, which is 2");
  expect_refused([](Call& c) { c.tensors.query.shape[3] = c.tensors.key.shape[3] = 0; },
                 "query axis D is 0, but must be in 1..1024");
  expect_refused([](Call& c) { c.tensors.query.shape[3] = c.tensors.key.shape[3] = 1025; },
                 "query axis D is 1025, but must be in 1..1024");
  expect_refused([](Call& c) { c.tensors.value.shape[3] = c.tensors.output.shape[3] = 1025; },
                 "value axis Dv is 1025, but must be in 1..1024");
  expect_refused([](Call& c) { c.tensors.query.shape[2] = -1; },
                 "query axis Tq is -1, but must be in 0..2^48");
  expect_refused([](Call& c) { c.tensors.key.shape[2] = -7; }, "key axis Tk is -7, but must be in 0..2^48");
}

TEST(Validation, RefusesTypesThatItDoesNotCompute) {
  expect_refused([](Call& c) { c.tensors.key.dtype = DType::kFloat64; },
                 "key is float64, but query is float32");
  expect_refused([](Call& c) { c.tensors.output.dtype = DType::kFloat16; },
                 "output is float16, but query is float32");
  expect_refused([](Call& c) { c.tensors.query.dtype = DType::kBFloat16; },
                 "key is float32, but query is bfloat16");
  expect_refused([](Call& c) { c.tensors.query.dtype = DType::kInt8; },
                 "query is int8, but attention computes float32, bfloat16, float16 and float64",
                 StatusCode::kUnsupported);
}

TEST(Validation, RefusesMissingAndMisalignedMemory) {
  expect_refused([](Call& c) { c.tensors.value.data = nullptr; }, "value is a null pointer");
  expect_refused([](Call& c) { c.tensors.output.data = nullptr; }, "output is a null pointer");
  expect_refused([](Call& c) { c.tensors.key.data = reinterpret_cast<const char*>(c.key.data()) + 1; },
                 "key is not aligned to the 4 bytes of its elements");
}

TEST(Validation, RefusesStridesThatTheKernelsCannotFollow) {
  expect_refused([](Call& c) { c.tensors.key.stride[3] = 2; }, "key axis D has stride 2");
  expect_refused([](Call& c) { c.tensors.output.stride[3] = 0; }, "output axis Dv has stride 0");
  expect_refused([](Call& c) { c.tensors.output.stride[0] = 0; },
                 "output is written, but its strides put several");
  expect_refused([](Call& c) { c.tensors.output.stride[2] = 5; },
                 "output is written, but its strides put several");
  expect_refused([](Call& c) { c.tensors.query.stride[0] = std::numeric_limits<int64_t>::max(); },
                 "query spans more than the address space");
  expect_refused([](Call& c) { c.tensors.query.stride[1] = std::numeric_limits<int64_t>::max() / 8; },
                 "query spans more than the address space");
}

TEST(Validation, RefusesBadScalesLengthsAndMasks) {
  expect_refused([](Call& c) { c.options.scale = std::nanf(""); }, "scale is nan, but must be finite");
  expect_refused([](Call& c) { c.options.scale = -HUGE_VALF; }, "scale is -inf, but must be finite");
  expect_refused(
      [](Call& c) {
        c.lengths = {1, 2, 3};
        c.options.kv_lengths = c.lengths;
      },
      "kv_lengths has 3 numbers, but query axis B is 2");
  expect_refused(
      [](Call& c) {
        c.lengths = {7, 8};
        c.options.kv_lengths = c.lengths;
      },
      "kv_lengths[1] is 8, but must be between 0 and key axis Tk, which is 7");
  expect_refused(
      [](Call& c) {
        c.lengths = {-1, 7};
        c.options.kv_lengths = c.lengths;
      },
      "kv_lengths[0] is -1");
  expect_refused(
      [](Call& c) {
        c.options.mask = TensorView(c.mask, Shape{2, 3, 5, 7});
      },
      "mask axis Hq is 3, but must be 1 or query axis Hq, which is 4");
  expect_refused(
      [](Call& c) {
        c.options.mask = TensorView(c.mask, Shape{2, 1, 5, 6});
      },
      "mask axis Tk is 6, but must be 1 or key axis Tk, which is 7");
  expect_refused(
      [](Call& c) {
        c.options.mask = TensorView(c.value.data(), Shape{2, 1, 5, 7});
      },
      "mask is float32, but must be bool");
  expect_refused(
      [](Call& c) {
        c.options.mask = TensorView(static_cast<bool*>(nullptr), Shape{2, 1, 5, 7});
      },
      "mask is a null pointer");
}

TEST(Validation, RefusesBadBiases) {
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.extra.data(), Shape{2, 3, 5, 7});
      },
      "bias axis Hq is 3, but must be 1 or query axis Hq, which is 4");
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.extra.data(), Shape{1, 1, 5, 8});
      },
      "bias axis Tk is 8, but must be 1 or key axis Tk, which is 7");
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.mask, Shape{1, 1, 5, 7});
      },
      "bias is bool, but must be float32");
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(static_cast<float*>(nullptr), Shape{1, 1, 5, 7});
      },
      "bias is a null pointer");
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.extra.data(), Shape{1, 1, 5, 7});
        c.options.bias.data = reinterpret_cast<const char*>(c.extra.data()) + 2;
      },
      "bias is not aligned to the 4 bytes of its elements");
  expect_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.output.data(), Shape{1, 1, 5, 7});
      },
      "output overlaps bias in memory");
}

TEST(Validation, RefusesBadSlopesSinksCapsAndDropouts) {
  expect_refused(
      [](Call& c) {
        c.options.alibi_slopes = TensorView(c.extra.data(), Shape{1, 2, 1, 1});
      },
      "alibi_slopes axis Hq is 2, but must be 1 or query axis Hq, which is 4");
  expect_refused(
      [](Call& c) {
        c.options.alibi_slopes = TensorView(c.extra.data(), Shape{1, 4, 5, 1});
      },
      "alibi_slopes axis Tq is 5, but must be 1");
  expect_refused(
      [](Call& c) {
        c.extra[5] = std::nanf("");
        c.options.alibi_slopes = TensorView(c.extra.data(), Shape{2, 4, 1, 1});
      },
      "alibi_slopes[1, 1] is nan, but must be finite");
  expect_refused(
      [](Call& c) {
        c.options.sinks = TensorView(c.extra.data(), Shape{2, 4, 1, 1});
      },
      "sinks axis B is 2, but must be 1");
  expect_refused(
      [](Call& c) {
        c.extra[3] = HUGE_VALF;
        c.options.sinks = TensorView(c.extra.data(), Shape{1, 4, 1, 1});
      },
      "sinks[0, 3] is inf, but must be finite, or -inf for none");
  expect_refused(
      [](Call& c) {
        c.extra[0] = std::nanf("");
        c.options.sinks = TensorView(c.extra.data(), Shape{1, 4, 1, 1});
      },
      "sinks[0, 0] is nan, but must be finite");
  expect_refused([](Call& c) { c.options.softcap = std::nanf(""); }, "softcap is nan, but must be finite");
  expect_refused([](Call& c) { c.options.softcap = -1; }, "softcap is -1.000000, but must be finite");
  expect_refused([](Call& c) { c.options.dropout = 1; }, "dropout is 1.000000, but must be in [0, 1)");
  expect_refused([](Call& c) { c.options.dropout = std::nanf(""); }, "dropout is nan, but must be in [0, 1)");
}

TEST(Validation, RefusesBadOffsetsAndWindows) {
  expect_refused([](Call& c) { c.options.causal = Causal::kQueryOffset; },
                 "causal is kQueryOffset, but query_offset is empty");
  expect_refused(
      [](Call& c) {
        c.options.causal = Causal::kUpperLeft;
        c.options.query_offset = c.lengths;
      },
      "causal is kUpperLeft, but query_offset is given too");
  expect_refused(
      [](Call& c) {
        c.lengths = {1, 2, 3};
        c.options.query_offset = c.lengths;
      },
      "query_offset has 3 numbers, but must have 1 or query axis B, which is 2");
  expect_refused(
      [](Call& c) {
        c.lengths = {0, std::numeric_limits<int64_t>::min()};
        c.options.query_offset = c.lengths;
      },
      "query_offset[1] is -9223372036854775808, but must be between -2^48 and 2^48");
  expect_refused([](Call& c) { c.options.window.left = -2; },
                 "window.left is -2, but must be at least 0, or -1 for no bound");
  expect_refused([](Call& c) { c.options.window.right = -7; }, "window.right is -7, but must be at least 0");
}

TEST(Validation, TakesTheWidestWindowAndTheFarthestOffset) {
  Call call;
  call.options.window = {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max()};
  call.lengths = {-(int64_t{1} << 48), int64_t{1} << 48};
  call.options.query_offset = call.lengths;
  EXPECT_TRUE(attention(call.tensors, call.options, serial_executor()).ok());
  EXPECT_FLOAT_EQ(call.output.front(), 1.0f);
  EXPECT_FLOAT_EQ(call.output.back(), 1.0f);
}

TEST(Validation, RefusesInstructionSetsThatAreNotHere) {
  // No machine has both.
  const std::vector<Isa> here = isas();
  for (const Isa isa : {Isa::kNeon, Isa::kSse4}) {
    if (std::find(here.begin(), here.end(), isa) != here.end()) continue;
    expect_refused([isa](Call& c) { c.options.isa = isa; },
                   "isa " + std::string(name(isa)) + " is not available here; this machine has",
                   StatusCode::kUnsupported);
  }
}

TEST(Validation, RefusesAVectorKernelForFloat64) {
  std::vector<double> numbers(64, 1.0);
  std::vector<double> output(64, 42.0);
  AttentionOptions options;
  options.isa = isas().front();
  if (*options.isa == Isa::kScalar) GTEST_SKIP() << "this machine has no vector kernel";
  const Shape shape = {1, 1, 8, 8};
  const AttentionTensors tensors = {{numbers.data(), shape},
                                    {numbers.data(), shape},
                                    {numbers.data(), shape},
                                    {output.data(), shape},
                                    {},
                                    {}};
  const Status status = attention(tensors, options, serial_executor());
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("float64 runs on the scalar reference"));
  EXPECT_EQ(output, std::vector<double>(64, 42.0));
}

TEST(Validation, RefusesAVectorKernelForAScaleAndASoftcapFarApart) {
  for (const Isa isa : isas()) {
    const auto far_apart = [isa](Call& c) {
      c.options.scale = 1e-12f;
      c.options.softcap = 1e30f;
      c.options.isa = isa;
    };
    if (isa == Isa::kScalar) {
      Call call;
      far_apart(call);
      EXPECT_TRUE(attention(call.tensors, call.options, serial_executor()).ok());
    } else {
      expect_refused(far_apart, "has no kernel for a scale and a softcap so far apart",
                     StatusCode::kUnsupported);
    }
  }
}

TEST(Validation, RefusesKeysThatOnlyStridesOfZeroCouldDescribe) {
  const auto endless = [](Call& c) {
    for (TensorView* keys : {&c.tensors.key, &c.tensors.value}) {
      keys->shape[2] = int64_t{1} << 62;
      keys->stride[2] = 0;
    }
  };
  expect_refused(endless, "key axis Tk is 4611686018427387904, but must be in 0..2^48");
}

TEST(Validation, RefusesScratchThatIsTooSmallOrMisaligned) {
  Call call;
  const size_t needed = attention_scratch_bytes(call.tensors, call.options, 1).value();
  ASSERT_GT(needed, 0u);
  alignas(64) static std::byte scratch[1 << 20];
  const std::span<std::byte> all(scratch);
  Status status = attention(call.tensors, call.options, {serial_executor(), all.first(needed - 1)});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("scratch has " + std::to_string(needed - 1) +
                                          " bytes, but the call needs " + std::to_string(needed)));
  status = attention(call.tensors, call.options, {serial_executor(), all.subspan(4)});
  EXPECT_THAT(status.message(), HasSubstr("scratch is not aligned to 64 bytes"));
  EXPECT_FALSE(call.written());
  EXPECT_TRUE(attention(call.tensors, call.options, {serial_executor(), all.first(needed)}).ok());
}

TEST(Validation, BackwardNamesItsOwnOperands) {
  expect_backward_refused([](Call& c) { c.gradients.lse.data = nullptr; }, "lse is a null pointer");
  expect_backward_refused([](Call& c) { c.gradients.output.shape[3] = 5; },
                          "output axis Dv is 5, but value axis Dv is 6");
  expect_backward_refused([](Call& c) { c.gradients.output_gradient.shape[2] = 9; },
                          "output_gradient axis Tq is 9, but query axis Tq is 5");
  expect_backward_refused([](Call& c) { c.gradients.key_gradient.shape[1] = 4; },
                          "key_gradient axis Hkv is 4, but key axis Hkv is 2");
  expect_backward_refused([](Call& c) { c.gradients.value_gradient.data = c.key_gradient.data(); },
                          "key_gradient overlaps value_gradient in memory");
  expect_backward_refused([](Call& c) { c.gradients.query_gradient.data = c.query.data(); },
                          "query_gradient overlaps query in memory");
  expect_backward_refused([](Call& c) { c.options.scale = std::nanf(""); }, "scale is nan");
  expect_backward_refused(
      [](Call& c) {
        c.gradients.bias_gradient = {c.extra.data(), Shape{1, 1, 5, 7}};
      },
      "bias_gradient is asked for, but bias is absent");
  expect_backward_refused(
      [](Call& c) {
        c.options.bias = TensorView(c.extra.data(), Shape{1, 1, 1, 7});
        c.gradients.bias_gradient = {c.extra.data() + 40, Shape{1, 1, 5, 7}};
      },
      "bias_gradient axis Tq is 5, but bias axis Tq is 1");
  expect_backward_refused(
      [](Call& c) {
        c.options.sinks = TensorView(c.extra.data(), Shape{1, 4, 1, 1});
        c.gradients.sinks_gradient = {c.extra.data(), Shape{1, 4, 1, 1}};
      },
      "sinks_gradient overlaps sinks in memory");
}

TEST(Validation, AcceptsTheThreePartsOfOneProjection) {
  // q, k, v and their gradients as thirds of the rows [B, T, 3, H, D] of one matrix.
  constexpr int64_t T = 9, H = 2, D = 4, kRow = 3 * H * D;
  std::vector<float> projection(T * kRow, 0.5f), gradient(T * kRow), output(T * H * D), lse(T * H);
  const Shape shape = {1, H, T, D}, stride = {T * kRow, D, kRow, 1}, dense = {T * H * D, D, H * D, 1};
  const auto part = [&](std::vector<float>& rows, int64_t which) {
    return MutableTensorView(rows.data() + which * H * D, shape, stride);
  };
  const MutableTensorView out(output.data(), shape, dense), log_sum(lse.data(), Shape{1, H, T, 1});
  const AttentionTensors forward = {
      part(projection, 0), part(projection, 1), part(projection, 2), out, log_sum, {}};
  EXPECT_TRUE(attention(forward, {}, serial_executor()).ok());
  const AttentionGradientTensors backward = {
      forward.query,     forward.key,       forward.value,    out, log_sum, out,
      part(gradient, 0), part(gradient, 1), part(gradient, 2)};
  const Status status = attention_backward(backward, {}, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
}

}  // namespace
}  // namespace attend
