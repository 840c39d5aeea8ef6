// Calls without elements on some axis: they end at once, however long the other axes are.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "attend/attention.h"
#include "attend/varlen.h"
#include "attention/dtypes.h"
#include "attention/sizes.h"

namespace attend {
namespace {

constexpr int64_t kEndless = int64_t{1} << 40;

/// Sizes of calls of which no operand of the queries has elements.
const std::vector<Sizes> kEmpty = {
    {1, 0, 2, kEndless, 3, 4, 4},
    {1, kEndless, 2, 0, 3, 4, 4},
    {1, 0, 0, kEndless, kEndless, 4, 4},
    {0, kEndless, kEndless, kEndless, kEndless, 4, 4},
    {kEndless, 0, 0, kEndless, kEndless, 4, 4},
    {kEndless, 0, 2, kEndless, 0, 4, 4},
    {kEndless, kEndless, kEndless, 0, 0, 4, 4},
};

/// Memory for 24 numbers, all NaN, as a tensor of these sizes.
struct Memory {
  Memory() { std::fill(std::begin(bytes), std::end(bytes), std::byte{0xff}); }
  MutableTensorView view(const Shape& shape, DType dtype) {
    const Shape stride = has_elements(shape)
                             ? Shape{shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1}
                             : Shape{0, 0, 0, 1};
    return MutableTensorView(bytes, dtype, shape, stride);
  }
  /// Whether so many numbers, and no more, have become 0.
  bool has_zeros(int64_t count, DType dtype) const {
    const auto zeros = static_cast<size_t>(count) * size_of(dtype);
    for (size_t i = 0; i < sizeof bytes; ++i) {
      if (bytes[i] != (i < zeros ? std::byte{0} : std::byte{0xff})) return false;
    }
    return true;
  }
  alignas(8) std::byte bytes[24 * 8];
};

constexpr DType kTypes[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat64};

/// Those that compute in `dtype`.
std::vector<Isa> isas_for(DType dtype) {
  std::vector<Isa> all;
  for (const Isa isa : isas()) {
    if (dtype != DType::kFloat64 || isa == Isa::kScalar) all.push_back(isa);
  }
  return all;
}

struct Call {
  Call(const Sizes& n, DType dtype, Isa isa) : sizes(n), type(dtype) {
    options.isa = isa;
    std::fill_n(sinks.bytes, sizeof(double), std::byte{0});
    options.sinks = sinks.view({1, 1, 1, 1}, sum_type(dtype));
  }

  AttentionGradientTensors gradients() {
    const Sizes& n = sizes;
    return {query.view({n.B, n.Hq, n.Tq, n.D}, type),
            key.view({n.B, n.Hkv, n.Tk, n.D}, type),
            value.view({n.B, n.Hkv, n.Tk, n.Dv}, type),
            output.view({n.B, n.Hq, n.Tq, n.Dv}, type),
            lse.view({n.B, n.Hq, n.Tq, 1}, sum_type(type)),
            output_gradient.view({n.B, n.Hq, n.Tq, n.Dv}, type),
            query_gradient.view({n.B, n.Hq, n.Tq, n.D}, type),
            key_gradient.view({n.B, n.Hkv, n.Tk, n.D}, type),
            value_gradient.view({n.B, n.Hkv, n.Tk, n.Dv}, type),
            {},
            sinks_gradient.view({1, 1, 1, 1}, sum_type(type))};
  }

  /// The sinks have one number, and keys and values, if any, the 24 of two heads: all are zeros.
  void expect_zeros() const {
    const int64_t keys = has_elements({sizes.B, sizes.Hkv, sizes.Tk, sizes.D}) ? 24 : 0;
    EXPECT_TRUE(sinks_gradient.has_zeros(1, sum_type(type)));
    EXPECT_TRUE(key_gradient.has_zeros(keys, type) && value_gradient.has_zeros(keys, type));
    EXPECT_TRUE(query_gradient.has_zeros(0, type));
  }

  Sizes sizes;
  DType type;
  AttentionOptions options;
  Memory query, key, value, output, lse, output_gradient, query_gradient, key_gradient, value_gradient, bias,
      sinks, bias_gradient, sinks_gradient;
};

TEST(WithoutElements, BackwardEndsAtOnce) {
  for (const DType dtype : kTypes) {
    for (const Isa isa : isas_for(dtype)) {
      for (const Sizes& n : kEmpty) {
        SCOPED_TRACE(::testing::Message() << name(isa) << ", Hq " << n.Hq << ", Tq " << n.Tq);
        Call call(n, dtype, isa);
        const Status status = attention_backward(call.gradients(), call.options, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
        call.expect_zeros();
      }
    }
  }
}

TEST(WithoutElements, ABiasWithoutElementsHasNoGradient) {
  for (const Isa isa : isas()) {
    Call call({1, 0, 2, kEndless, 0, 4, 4}, DType::kFloat32, isa);
    call.options.bias = call.bias.view({1, 1, kEndless, 0}, DType::kFloat32);
    AttentionGradientTensors gradients = call.gradients();
    gradients.bias_gradient = call.bias_gradient.view({1, 1, kEndless, 0}, DType::kFloat32);
    const Status status = attention_backward(gradients, call.options, serial_executor());
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(call.bias_gradient.has_zeros(0, DType::kFloat32));
  }
}

TEST(WithoutElements, ForwardEndsAtOnce) {
  for (const DType dtype : kTypes) {
    for (const Isa isa : isas_for(dtype)) {
      for (const Sizes& n : kEmpty) {
        if (has_elements({n.B, n.Hkv, n.Tk, n.D})) continue;  // then there are sums over no queries to write
        Call call(n, dtype, isa);
        const AttentionGradientTensors t = call.gradients();
        Memory weights, mean, sums;
        const Status status =
            attention({t.query,
                       t.key,
                       t.value,
                       call.output.view({n.B, n.Hq, n.Tq, n.Dv}, dtype),
                       {},
                       weights.view({n.B, n.Hq, n.Tq, n.Tk}, sum_type(dtype)),
                       has_elements({n.B, 1, n.Tq, n.Tk}) ? MutableTensorView{}
                                                          : mean.view({n.B, 1, n.Tq, n.Tk}, sum_type(dtype)),
                       sums.view({n.B, n.Hq, 1, n.Tk}, sum_type(dtype))},
                      call.options, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
      }
    }
  }
}

TEST(WithoutElements, StridesThatLeadNowhereAreNoMatter) {
  float memory[16] = {};
  const Shape shape = {3, 1, 0, 8}, stride = {INT64_MAX / 2, 8, 8, 1};
  const MutableTensorView view(memory, DType::kFloat32, shape, stride);
  const Status status = attention({view, view, view, view, {}, {}}, {}, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(WithoutElements, NumbersThatHeadsShareAreLookedAtOnce) {
  const float one[2] = {1, 1};
  float memory[16] = {};
  const MutableTensorView none(memory, DType::kFloat32, {kEndless, kEndless, 0, 4}, {0, 0, 4, 1});
  AttentionOptions options;
  options.sinks = {one, Shape{1, kEndless, 1, 1}, Shape{0, 0, 0, 0}};
  for (const int64_t heads : {int64_t{1}, kEndless}) {
    options.alibi_slopes = {one, Shape{kEndless, heads, 1, 1}, Shape{0, 0, 0, 0}};
    const Status status = attention({none, none, none, none, {}, {}}, options, serial_executor());
    EXPECT_TRUE(status.ok()) << status.message();
  }
  const MutableTensorView headless(memory, DType::kFloat32, {kEndless, 0, 0, 4}, {8, 4, 4, 1});
  options.sinks = {};
  options.alibi_slopes = {one, Shape{kEndless, 0, 1, 1}, Shape{2, 1, 0, 0}};
  const Status status =
      attention({headless, headless, headless, headless, {}, {}}, options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(WithoutElements, PackedCallsEndAtOnce) {
  for (const DType dtype : kTypes) {
    for (const Isa isa : isas_for(dtype)) {
      for (const Sizes& n : kEmpty) {
        if (n.B != 1) continue;
        SCOPED_TRACE(::testing::Message() << name(isa) << ", Hq " << n.Hq << ", Tq " << n.Tq);
        Call call(n, dtype, isa);
        const AttentionGradientTensors t = call.gradients();
        const std::vector<int64_t> queries = {0, n.Tq / 2, n.Tq}, keys = {0, n.Tk / 2, n.Tk};
        Status status = attention_varlen(
            {t.query, t.key, t.value, queries, keys, call.output.view({1, n.Hq, n.Tq, n.Dv}, dtype)},
            call.options, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
        status = attention_varlen_backward(
            {t.query, t.key, t.value, queries, keys, t.output, t.lse, t.output_gradient, t.query_gradient,
             t.key_gradient, t.value_gradient, t.sinks_gradient},
            call.options, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
        call.expect_zeros();
      }
    }
  }
}

}  // namespace
}  // namespace attend
