// Bad packed calls: each is refused in a sentence that names the argument and both numbers, before anything
// is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "attend/varlen.h"
#include "base/idle_executor.h"
#include "base/random.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

/// A valid call of three sequences, to be spoiled in one place at a time.
struct Call {
  std::vector<float> query = std::vector<float>(4 * 8 * 8, 1.0f), key = std::vector<float>(2 * 9 * 8, 1.0f),
                     value = std::vector<float>(2 * 9 * 6, 1.0f),
                     output = std::vector<float>(4 * 8 * 6, 42.0f), lse = std::vector<float>(4 * 8, 42.0f),
                     output_gradient = output, query_gradient = query, key_gradient = key,
                     value_gradient = value,
                     extra = std::vector<float>(3 * 4 * 5 * 6, 0.5f);  // for the tensors among the options
  std::vector<int64_t> query_starts = {0, 3, 3, 8}, key_starts = {0, 4, 6, 9}, numbers = {4, 1, 0};
  bool mask[3 * 5 * 4] = {};
  PackedAttentionTensors tensors;
  PackedAttentionGradientTensors gradients;
  AttentionOptions options;

  Call() {
    for (std::vector<float>* written : {&query_gradient, &key_gradient, &value_gradient}) {
      std::fill(written->begin(), written->end(), 42.0f);
    }
    tensors.query = {query.data(), Shape{1, 4, 8, 8}};
    tensors.key = {key.data(), Shape{1, 2, 9, 8}};
    tensors.value = {value.data(), Shape{1, 2, 9, 6}};
    tensors.query_starts = query_starts;
    tensors.key_starts = key_starts;
    tensors.output = {output.data(), Shape{1, 4, 8, 6}};
    tensors.lse = {lse.data(), Shape{1, 4, 8, 1}};
    gradients = {tensors.query,
                 tensors.key,
                 tensors.value,
                 query_starts,
                 key_starts,
                 tensors.output,
                 tensors.lse,
                 {output_gradient.data(), Shape{1, 4, 8, 6}},
                 {query_gradient.data(), Shape{1, 4, 8, 8}},
                 {key_gradient.data(), Shape{1, 2, 9, 8}},
                 {value_gradient.data(), Shape{1, 2, 9, 6}}};
  }
  Call(const Call&) = delete;

  void set_starts(std::vector<int64_t> queries, std::vector<int64_t> keys) {
    query_starts = std::move(queries);
    key_starts = std::move(keys);
    tensors.query_starts = gradients.query_starts = query_starts;
    tensors.key_starts = gradients.key_starts = key_starts;
  }

  bool written() const {
    const auto touched = [](const std::vector<float>& v) {
      return std::any_of(v.begin(), v.end(), [](float x) { return x != 42.0f; });
    };
    return touched(output) || touched(lse) || touched(query_gradient) || touched(key_gradient) ||
           touched(value_gradient);
  }
};

void expect_refused(const std::function<void(Call&)>& spoil, const std::string& message,
                    StatusCode code = StatusCode::kInvalidArgument) {
  Call call;
  spoil(call);
  const Status status = attention_varlen(call.tensors, call.options, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_EQ(explain_varlen(call.tensors, call.options).status().message(), status.message());
  EXPECT_EQ(attention_varlen_scratch_bytes(call.tensors, call.options, 1).status().message(),
            status.message());
  EXPECT_FALSE(call.written()) << message;
}

void expect_backward_refused(const std::function<void(Call&)>& spoil, const std::string& message,
                             StatusCode code = StatusCode::kInvalidArgument) {
  Call call;
  spoil(call);
  const Status status = attention_varlen_backward(call.gradients, call.options, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_EQ(attention_varlen_backward_scratch_bytes(call.gradients, call.options, 1).status().message(),
            status.message());
  EXPECT_FALSE(call.written()) << message;
}

TEST(VarlenValidation, AcceptsTheCallThatTheOthersSpoil) {
  Call call;
  EXPECT_TRUE(attention_varlen(call.tensors, call.options, serial_executor()).ok());
  EXPECT_TRUE(call.written());
  EXPECT_TRUE(attention_varlen_backward(call.gradients, call.options, serial_executor()).ok());
}

TEST(VarlenValidation, RefusesOffsetsThatAreNotOffsets) {
  const auto expect_both = [](std::vector<int64_t> queries, std::vector<int64_t> keys,
                              const std::string& message) {
    const auto spoil = [&](Call& c) { c.set_starts(queries, keys); };
    expect_refused(spoil, message);
    expect_backward_refused(spoil, message);
  };
  const std::vector<int64_t> q = {0, 3, 3, 8}, k = {0, 4, 6, 9};
  expect_both({}, k, "query_starts is empty, but must have one number more than there are sequences");
  expect_both(q, {}, "key_starts is empty");
  expect_both({1, 3, 3, 8}, k, "query_starts[0] is 1, but must be 0");
  expect_both({-1, 3, 3, 8}, k, "query_starts[0] is -1, but must be 0");
  expect_both({0, 3, 2, 8}, k, "query_starts[2] is 2, but must be at least query_starts[1], which is 3");
  expect_both(q, {0, -4, 6, 9}, "key_starts[1] is -4, but must be at least key_starts[0], which is 0");
  expect_both({0, 3, 9, 8}, k, "query_starts[3] is 8, but must be at least query_starts[2], which is 9");
  expect_both({0, 3, 3, 9}, k, "query_starts[3] is 9, but must be query axis total_q, which is 8");
  expect_both(q, {0, 4, 6, 8}, "key_starts[3] is 8, but must be key axis total_k, which is 9");
  expect_both(q, {0, 4, 6, INT64_MAX}, "key_starts[3] is 9223372036854775807, but must be");
  expect_both({0, INT64_MIN, 3, 8}, k, "query_starts[1] is -9223372036854775808, but must be at least");
  expect_both(q, {0, 4, 9}, "key_starts has 3 numbers, but query_starts has 4");
  expect_both({0}, {0}, "query_starts[0] is 0, but must be query axis total_q, which is 8");
}

TEST(VarlenValidation, RefusesAnExecutorWithoutWorkers) {
  for (const int workers : {0, -3}) {
    Call call;
    IdleExecutor executor(workers);
    const std::string too_few = "workers is " + std::to_string(workers) + ", but must be at least 1";
    for (const Status& status : {attention_varlen(call.tensors, call.options, executor),
                                 attention_varlen_backward(call.gradients, call.options, executor)}) {
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_THAT(status.message(), HasSubstr("workers, but must have at least 1"));
    }
    EXPECT_EQ(attention_varlen_scratch_bytes(call.tensors, call.options, workers).status().message(),
              too_few);
    EXPECT_EQ(
        attention_varlen_backward_scratch_bytes(call.gradients, call.options, workers).status().message(),
        too_few);
  }
}

TEST(VarlenValidation, NamesTheAxisAndBothNumbers) {
  expect_refused([](Call& c) { c.tensors.query.shape[0] = 2; },
                 "query axis B is 2, but must be 1: packed sequences share one batch row");
  expect_refused([](Call& c) { c.tensors.key.shape[0] = 2; }, "key axis B is 2, but query axis B is 1");
  expect_refused([](Call& c) { c.tensors.key.shape[3] = 7; }, "key axis D is 7, but query axis D is 8");
  expect_refused([](Call& c) { c.tensors.value.shape[2] = 8; },
                 "value axis total_k is 8, but key axis total_k is 9");
  expect_refused([](Call& c) { c.tensors.output.shape[2] = 7; },
                 "output axis total_q is 7, but query axis total_q is 8");
  expect_refused([](Call& c) { c.tensors.lse.shape[1] = 2; }, "lse axis Hq is 2, but query axis Hq is 4");
  expect_refused([](Call& c) { c.tensors.query.shape[1] = 3; },
                 "query axis Hq is 3, but must be a multiple of key axis Hkv, which is 2");
  expect_backward_refused([](Call& c) { c.gradients.key_gradient.shape[2] = 8; },
                          "key_gradient axis total_k is 8, but key axis total_k is 9");
  expect_backward_refused([](Call& c) { c.gradients.lse.shape[2] = 3; },
                          "lse axis total_q is 3, but query axis total_q is 8");
}

TEST(VarlenValidation, RefusesTypesAndMemory) {
  expect_refused([](Call& c) { c.tensors.query.dtype = DType::kInt8; }, "query is int8",
                 StatusCode::kUnsupported);
  expect_refused([](Call& c) { c.tensors.value.dtype = DType::kFloat16; },
                 "value is float16, but query is float32");
  expect_refused([](Call& c) { c.tensors.key.data = nullptr; }, "key is a null pointer");
  expect_refused([](Call& c) { c.tensors.query.stride[3] = 2; }, "query axis D has stride 2");
  expect_refused([](Call& c) { c.tensors.output.stride[2] = 0; }, "output is written, but its strides");
  expect_refused([](Call& c) { c.tensors.output.data = c.query.data(); }, "output overlaps query in memory");
  expect_backward_refused([](Call& c) { c.gradients.value_gradient.data = c.key_gradient.data(); },
                          "overlaps");
  expect_backward_refused(
      [](Call& c) {
        c.gradients.sinks_gradient = {c.extra.data(), Shape{1, 4, 1, 1}};
      },
      "sinks_gradient is asked for, but sinks is absent");
}

TEST(VarlenValidation, RefusesOutputsThatOverlapAListOfNumbers) {
  std::vector<int64_t> memory(200);
  const auto in_memory = [&](const std::vector<int64_t>& list) {
    std::copy(list.begin(), list.end(), memory.begin() + 5);
    return std::span<const int64_t>(memory).subspan(5, list.size());
  };
  expect_refused(
      [&](Call& c) {
        c.tensors.query_starts = in_memory(c.query_starts);
        c.tensors.output.data = memory.data();
      },
      "output overlaps query_starts in memory");
  expect_refused(
      [&](Call& c) {
        c.tensors.key_starts = in_memory(c.key_starts);
        c.tensors.lse.data = memory.data();
      },
      "lse overlaps key_starts in memory");
  expect_backward_refused(
      [&](Call& c) {
        c.options.kv_lengths = in_memory({1, 1, 1});
        c.gradients.key_gradient.data = memory.data();
      },
      "key_gradient overlaps kv_lengths in memory");
  expect_backward_refused(
      [&](Call& c) {
        c.gradients.key_starts = in_memory(c.key_starts);
        c.gradients.query_gradient.data = memory.data();
      },
      "query_gradient overlaps key_starts in memory");
  expect_refused([](Call& c) { c.tensors.lse.data = nullptr; }, "lse is a null pointer");
}

TEST(VarlenValidation, RefusesOptionsThatDoNotFitTheSequences) {
  expect_refused(
      [](Call& c) {
        c.options.query_offset = {c.numbers.data(), 2};
      },
      "query_offset has 2 numbers, but must have 1 or the number of sequences, which is 3");
  expect_refused(
      [](Call& c) {
        c.options.kv_lengths = {c.numbers.data(), 2};
      },
      "kv_lengths has 2 numbers, but the number of sequences is 3");
  expect_refused(
      [](Call& c) {
        c.numbers = {4, 3, 3};
        c.options.kv_lengths = c.numbers;
      },
      "kv_lengths[1] is 3, but must be between 0 and the Tk of its sequence, which is 2");
  expect_refused(
      [](Call& c) {
        c.options.mask = {c.mask, Shape{3, 1, 4, 4}};
      },
      "mask axis Tq is 4, but must be 1 or the longest Tq, which is 5");
  expect_refused(
      [](Call& c) {
        c.options.bias = {c.extra.data(), Shape{1, 4, 1, 9}};
      },
      "bias axis Tk is 9, but must be 1 or the longest Tk, which is 4");
  expect_refused(
      [](Call& c) {
        c.options.bias = {c.extra.data(), Shape{2, 1, 1, 1}};
      },
      "bias axis B is 2, but must be 1 or the number of sequences, which is 3");
  expect_refused(
      [](Call& c) {
        c.options.alibi_slopes = {c.extra.data(), Shape{4, 1, 1, 1}};
      },
      "alibi_slopes axis B is 4, but must be 1 or the number of sequences, which is 3");
  expect_refused([](Call& c) { c.options.scale = NAN; }, "scale is nan, but must be finite");
  expect_refused([](Call& c) { c.options.window.left = -5; }, "window.left is -5");
  expect_backward_refused([](Call& c) { c.options.dropout = 1; }, "dropout is 1");
#if defined(__x86_64__)
  expect_refused([](Call& c) { c.options.isa = Isa::kNeon; }, "isa neon is not available here",
                 StatusCode::kUnsupported);
#endif
}

TEST(VarlenValidation, NeverReadsOrWritesOutsideForRandomDamage) {
  // Every number of the call is at times replaced by a hostile one; run under the address sanitizer.
  constexpr int64_t kHostile[] = {-1, 0, 1, 2, 3, 5, 8, 9, 1025, INT32_MAX, INT64_MAX, INT64_MIN};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Call call;
    const RandomKey key(seed);
    uint64_t at = 0;
    const auto spoil = [&](int64_t& number) {
      if (key.below(at++, 20) == 0) number = kHostile[key.below(at++, 12)];
    };
    for (int64_t& n : call.query_starts) spoil(n);
    for (int64_t& n : call.key_starts) spoil(n);
    for (int64_t& n : call.numbers) spoil(n);
    spoil(call.options.window.left);
    spoil(call.options.window.right);
    // Strides and pointers are the caller's word; shapes may only shrink.
    for (size_t axis = 0; axis < 4; ++axis) {
      for (Shape* shape : {&call.tensors.query.shape, &call.tensors.key.shape, &call.tensors.value.shape,
                           &call.tensors.output.shape, &call.tensors.lse.shape}) {
        const int64_t before = (*shape)[axis];
        spoil((*shape)[axis]);
        (*shape)[axis] = std::min((*shape)[axis], before);
      }
    }
    if (seed % 2 == 0) call.options.kv_lengths = call.numbers;
    if (seed % 3 == 0) call.options.query_offset = call.numbers;
    call.gradients.query.shape = call.tensors.query.shape;
    call.gradients.key.shape = call.tensors.key.shape;
    const bool forward = key.below(at, 2) == 0;
    const Status status = forward
                              ? attention_varlen(call.tensors, call.options, serial_executor())
                              : attention_varlen_backward(call.gradients, call.options, serial_executor());
    EXPECT_TRUE(status.ok() || !call.written()) << status.message();
    EXPECT_EQ(status.ok(), status.message().empty());
  }
}

}  // namespace
}  // namespace attend
