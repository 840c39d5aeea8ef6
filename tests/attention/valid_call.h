// A valid call of attention() and of attention_backward(), to be spoiled in one place at a time.
#ifndef ATTEND_TESTS_ATTENTION_VALID_CALL_H_
#define ATTEND_TESTS_ATTENTION_VALID_CALL_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attend/attention.h"

namespace attend {

struct ValidCall {
  std::vector<float> query = std::vector<float>(2 * 4 * 5 * 8, 1.0f),
                     key = std::vector<float>(2 * 2 * 7 * 8, 1.0f),
                     value = std::vector<float>(2 * 2 * 7 * 6, 1.0f),
                     output = std::vector<float>(2 * 4 * 5 * 6, 42.0f),
                     lse = std::vector<float>(2 * 4 * 5, 42.0f),
                     weights = std::vector<float>(2 * 4 * 5 * 7, 42.0f);
  std::vector<float> output_gradient = output, query_gradient = std::vector<float>(query.size(), 42.0f),
                     key_gradient = std::vector<float>(key.size(), 42.0f),
                     value_gradient = std::vector<float>(value.size(), 42.0f);
  std::vector<float> extra = std::vector<float>(2 * 4 * 5 * 8, 0.5f);  // for the tensors among the options
  std::vector<int64_t> lengths = {7, 3};
  std::vector<int64_t> zeros = std::vector<int64_t>(2 * 4 * 5 * 8);  // lists, in memory for an output
  bool mask[2 * 5 * 7] = {};
  AttentionTensors tensors = {{query.data(), Shape{2, 4, 5, 8}}, {key.data(), Shape{2, 2, 7, 8}},
                              {value.data(), Shape{2, 2, 7, 6}}, {output.data(), Shape{2, 4, 5, 6}},
                              {lse.data(), Shape{2, 4, 5, 1}},   {weights.data(), Shape{2, 4, 5, 7}}};
  AttentionGradientTensors gradients = {tensors.query,
                                        tensors.key,
                                        tensors.value,
                                        tensors.output,
                                        tensors.lse,
                                        {output_gradient.data(), Shape{2, 4, 5, 6}},
                                        {query_gradient.data(), Shape{2, 4, 5, 8}},
                                        {key_gradient.data(), Shape{2, 2, 7, 8}},
                                        {value_gradient.data(), Shape{2, 2, 7, 6}}};
  AttentionOptions options;

  std::span<const int64_t> list(size_t count) const { return std::span(zeros).subspan(10, count); }
  Rope rope() const {
    return {
        RopeLayout::kHalfSplit, {extra.data(), Shape{1, 1, 7, 3}}, {extra.data() + 21, Shape{1, 1, 7, 3}}};
  }

  bool written() const {
    const auto touched = [](const std::vector<float>& v) {
      return std::any_of(v.begin(), v.end(), [](float x) { return x != 42.0f; });
    };
    return touched(output) || touched(lse) || touched(weights) || touched(query_gradient) ||
           touched(key_gradient) || touched(value_gradient);
  }
};

inline void expect_refused(const std::function<void(ValidCall&)>& spoil, const std::string& message,
                           StatusCode code = StatusCode::kInvalidArgument) {
  ValidCall call;
  spoil(call);
  const Status status = attention(call.tensors, call.options, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), ::testing::HasSubstr(message));
  EXPECT_EQ(explain(call.tensors, call.options).status().message(), status.message());
  EXPECT_EQ(attention_scratch_bytes(call.tensors, call.options, 1).status().message(), status.message());
  EXPECT_FALSE(call.written()) << message;
}

inline void expect_backward_refused(const std::function<void(ValidCall&)>& spoil,
                                    const std::string& message) {
  ValidCall call;
  spoil(call);
  const Status status = attention_backward(call.gradients, call.options, serial_executor());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << message;
  EXPECT_THAT(status.message(), ::testing::HasSubstr(message));
  EXPECT_EQ(attention_backward_scratch_bytes(call.gradients, call.options, 1).status().message(),
            status.message());
  EXPECT_FALSE(call.written()) << message;
}

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_VALID_CALL_H_
