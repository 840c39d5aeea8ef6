// Outputs that attention() and attention_backward() do not write to.
#include <gtest/gtest.h>

#include <cstdint>
#include <span>

#include "attend/attention.h"
#include "attention/valid_call.h"

namespace attend {
namespace {

using Call = ValidCall;

TEST(Validation, RefusesOutputsThatOverlapAnything) {
  expect_refused([](Call& c) { c.tensors.output.data = c.query.data() + 20; },
                 "output overlaps query in memory");
  expect_refused([](Call& c) { c.tensors.lse.data = c.value.data(); }, "lse overlaps value in memory");
  expect_refused([](Call& c) { c.tensors.weights.data = c.output.data(); },
                 "output overlaps weights in memory");
  expect_refused(
      [](Call& c) {
        c.options.mask = TensorView(reinterpret_cast<const bool*>(c.output.data()), Shape{2, 1, 5, 7});
      },
      "output overlaps mask in memory");
}

TEST(Validation, RefusesOutputsThatOverlapAListOfNumbers) {
  const auto over = [](Call& c, MutableTensorView& output, std::span<const int64_t>& list, size_t count) {
    c.options.rope = c.rope();
    output.data = c.zeros.data();
    list = c.list(count);
  };
  expect_refused([&](Call& c) { over(c, c.tensors.output, c.options.kv_lengths, 2); },
                 "output overlaps kv_lengths in memory");
  expect_refused([&](Call& c) { over(c, c.tensors.lse, c.options.query_offset, 2); },
                 "lse overlaps query_offset in memory");
  expect_refused([&](Call& c) { over(c, c.tensors.weights, c.options.query_positions, 5); },
                 "weights overlaps query_positions in memory");
  expect_refused([&](Call& c) { over(c, c.tensors.weights, c.options.key_positions, 7); },
                 "weights overlaps key_positions in memory");
  expect_backward_refused([&](Call& c) { over(c, c.gradients.query_gradient, c.options.kv_lengths, 2); },
                          "query_gradient overlaps kv_lengths in memory");
  expect_backward_refused([&](Call& c) { over(c, c.gradients.key_gradient, c.options.key_positions, 7); },
                          "key_gradient overlaps key_positions in memory");
  Call behind;
  over(behind, behind.tensors.output, behind.options.kv_lengths, 2);
  behind.options.kv_lengths = std::span(behind.zeros).subspan(2 * 4 * 5 * 6 / 2, 2);
  EXPECT_TRUE(attention(behind.tensors, behind.options, serial_executor()).ok());
}

TEST(Validation, RefusesAnOptionalOutputThatIsDescribedButHasNoMemory) {
  for (MutableTensorView AttentionTensors::*output : {&AttentionTensors::lse, &AttentionTensors::weights}) {
    expect_refused([&](Call& c) { (c.tensors.*output).data = nullptr; }, "is a null pointer");
    expect_refused(
        [&](Call& c) {
          (c.tensors.*output) = {};
          (c.tensors.*output).shape = {9, 9, 9, 9};
        },
        "axis B is 9, but query axis B is 2");
  }
  expect_refused([](Call& c) { c.tensors.head_mean.shape = {2, 1, 5, 7}; }, "head_mean is a null pointer");
  expect_refused(
      [](Call& c) {
        c.tensors.column_sums.shape = {2, 4, 1, 7};
      },
      "column_sums is a null pointer");
  expect_backward_refused(
      [](Call& c) {
        c.gradients.bias_gradient.shape = {1, 1, 5, 7};
      },
      "bias_gradient is asked for, but bias is absent");
  expect_backward_refused(
      [](Call& c) {
        c.options.sinks = {c.extra.data(), Shape{1, 4, 1, 1}};
        c.gradients.sinks_gradient.shape = {1, 4, 1, 1};
      },
      "sinks_gradient is a null pointer");
  Call empty;
  empty.tensors.query.shape[2] = empty.tensors.output.shape[2] = empty.tensors.lse.shape[2] =
      empty.tensors.weights.shape[2] = 0;
  empty.tensors.lse.data = empty.tensors.weights.data = nullptr;  // as malloc(0) may return
  EXPECT_TRUE(attention(empty.tensors, empty.options, serial_executor()).ok());
}

}  // namespace
}  // namespace attend
