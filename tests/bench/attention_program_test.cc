// The attention benchmark's program computes what it is asked. How fast is no matter of tests.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/programs.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"

namespace attend {
namespace {

using Axes = std::vector<int64_t>;

std::vector<float> waves(const Axes& shape, float step) {
  size_t size = 1;
  for (const int64_t axis : shape) size *= static_cast<size_t>(axis);
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i) values[i] = std::sin(step * static_cast<float>(i));
  return values;
}

/// A small attention problem in a file, as attend_attention_bench reads it.
class Problem {
 public:
  Problem(const Axes& query, const Axes& key) {
    add("query", query, 0.7f);
    add("key", key, 1.1f);
    value = add("value", key, 1.3f);
    add("output_gradient", query, 1.7f);
  }

  std::vector<float> add(const std::string& name, const Axes& shape, float step) {
    const std::vector<float> values = waves(shape, step);
    append(data_, header_, name, "F32", shape, values);
    return values;
  }
  void add_mask(const Axes& shape, const std::vector<uint8_t>& visible) {
    append(data_, header_, "mask", "BOOL", shape, visible);
  }

  /// Runs the program: the case with `fields`, `what` on it, and whatever `more` asks.
  Answers run(const Json& fields, const std::vector<std::string>& what, const std::vector<Json>& more = {}) {
    std::vector<Json> requests = {case_of(fields)};
    for (const std::string& word : what) requests.push_back({{"do", word}, {"calls", 1}});
    requests.insert(requests.end(), more.begin(), more.end());
    requests.push_back({{"do", "write"}, {"path", results}});
    return ask(ATTEND_ATTENTION_BENCH, requests);
  }
  Json case_of(const Json& fields) {
    Json request = {{"do", "case"},
                    {"data", folder.file("problem.safetensors", safetensors_bytes(header_, data_))}};
    if (!fields.is_null()) request.update(fields);
    return request;
  }

  /// What a run wrote.
  std::vector<float> result(const std::string& name) const {
    const Result<Safetensors> file = Safetensors::open(results);
    if (!file.ok()) {
      ADD_FAILURE() << file.status().message();
      return {};
    }
    const Result<Axes> shape = file.value().shape(name);
    if (!shape.ok()) return {};
    size_t size = 1;
    for (const int64_t axis : shape.value()) size *= static_cast<size_t>(axis);
    std::vector<float> values(size);
    EXPECT_TRUE(file.value().read(name, shape.value(), values).ok());
    return values;
  }

  const TemporaryFolder folder;
  const std::string results = folder / "results.safetensors";
  std::vector<float> value;

 private:
  Json header_;
  std::string data_;
};

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = a.empty() || a.size() != b.size() ? NAN : 0;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) largest = std::fmax(largest, std::fabs(a[i] - b[i]));
  return largest;
}

TEST(AttentionBench, TheUnfusedPathComputesWhatTheKernelComputes) {
  Problem problem({2, 3, 5, 8}, {2, 3, 7, 8});
  const Answers answers = problem.run({{"causal", "none"}}, {"forward", "backward", "unfused"});
  EXPECT_EQ(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 5u);
  EXPECT_NE(answers.lines[0].value("explain", ""), "");
  for (size_t i = 1; i <= 3; ++i) EXPECT_GT(answers.lines[i].value("seconds", 0.0), 0.0);
  EXPECT_LT(largest_difference(problem.result("output"), problem.result("unfused")), 1e-6f);
  EXPECT_EQ(problem.result("key_gradient").size(), 336u);
}

TEST(AttentionBench, A16BitCaseIsTheFloat32OneRounded) {
  for (const auto& [dtype, tolerance] : {std::pair{"bfloat16", 0x1p-7f}, std::pair{"float16", 0x1p-10f}}) {
    Problem problem({1, 2, 9, 16}, {1, 2, 9, 16});
    EXPECT_EQ(problem.run({}, {"forward"}).status, 0);
    const std::vector<float> single = problem.result("output");
    EXPECT_EQ(problem.run({{"dtype", dtype}}, {"forward"}).status, 0);
    const float difference = largest_difference(single, problem.result("output"));
    EXPECT_GT(difference, 0) << dtype;
    EXPECT_LT(difference, tolerance) << dtype;
  }
}

TEST(AttentionBench, AMaskOfTheFileIsUsed) {
  Problem problem({1, 1, 4, 8}, {1, 1, 4, 8});
  problem.add_mask({1, 1, 1, 4}, {0, 0, 1, 0});
  EXPECT_EQ(problem.run({}, {"forward"}).status, 0);
  const std::vector<float> output = problem.result("output");
  ASSERT_EQ(output.size(), 32u);
  for (size_t i = 0; i < output.size(); ++i) EXPECT_EQ(output[i], problem.value[16 + i % 8]) << i;
}

TEST(AttentionBench, AWindowOfOneLeavesEachQueryItsOwnValue) {
  Problem problem({1, 2, 6, 8}, {1, 2, 6, 8});
  EXPECT_EQ(problem.run({{"causal", "upper_left"}, {"window", {0, 0}}}, {"forward"}).status, 0);
  EXPECT_EQ(problem.result("output"), problem.value);
}

TEST(AttentionBench, WhatChangesScoresChangesTheOutput) {
  const Axes shape = {1, 2, 6, 8};
  Problem plain(shape, shape), biased(shape, shape), sloped(shape, shape);
  biased.add("bias", {1, 1, 6, 6}, 0.9f);
  sloped.add("alibi_slopes", {1, 2, 1, 1}, 0.5f);
  EXPECT_EQ(plain.run({}, {"forward"}).status, 0);
  const std::vector<float> output = plain.result("output");
  for (const Json& fields : {Json{{"softcap", 0.5}}, Json{{"dropout", 0.5}}}) {
    EXPECT_EQ(plain.run(fields, {"forward"}).status, 0) << fields;
    EXPECT_GT(largest_difference(output, plain.result("output")), 1e-4f) << fields;
  }
  for (Problem* other : {&biased, &sloped}) {
    EXPECT_EQ(other->run({}, {"forward"}).status, 0);
    EXPECT_GT(largest_difference(output, other->result("output")), 1e-4f);
  }
}

TEST(AttentionBench, ResultsAreThoseThatWereAskedFor) {
  Problem problem({1, 2, 3, 8}, {1, 2, 5, 8});
  problem.add("bias", {1, 2, 3, 5}, 0.9f);
  const Json results = {"lse", "weights", "head_mean", "column_sums", "bias_gradient"};
  EXPECT_EQ(problem.run({{"results", results}}, {"forward", "backward"}).status, 0);
  const std::vector<float> weights = problem.result("weights"), mean = problem.result("head_mean");
  ASSERT_EQ(weights.size(), 30u);
  ASSERT_EQ(mean.size(), 15u);
  for (size_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(mean[i], (weights[i] + weights[15 + i]) / 2, 1e-6) << i;
  EXPECT_EQ(problem.result("column_sums").size(), 10u);
  EXPECT_EQ(problem.result("bias_gradient").size(), 30u);
  EXPECT_EQ(problem.run({{"results", Json::array()}}, {"forward"}).status, 0);
  EXPECT_TRUE(problem.result("lse").empty());
}

TEST(AttentionBench, CasesOfDifferentNamesAreKeptSideBySide) {
  Problem problem({1, 1, 4, 8}, {1, 1, 4, 8});
  const Json forget = {{"do", "forget"}}, first = {{"do", "forward"}, {"calls", 1}, {"name", ""}},
             second = {{"do", "forward"}, {"calls", 1}, {"name", "second"}};
  const Answers answers =
      ask(ATTEND_ATTENTION_BENCH,
          {problem.case_of({}), problem.case_of({{"name", "second"}}), first, second, forget, second});
  ASSERT_EQ(answers.lines.size(), 6u);
  EXPECT_GT(answers.lines[2].value("seconds", 0.0), 0.0);
  EXPECT_GT(answers.lines[3].value("seconds", 0.0), 0.0);
  EXPECT_NE(answers.lines[5].value("error", "").find("needs a \"case\" first"), std::string::npos);
}

TEST(AttentionBench, ACallHoldsNoMoreThanItDeclares) {
  Problem problem({1, 2, 2048, 64}, {1, 2, 2048, 64});
  const Answers answers = problem.run({}, {"forward"}, {{{"do", "memory"}, {"of", "forward"}}});
  ASSERT_EQ(answers.lines.size(), 4u);
  ASSERT_TRUE(answers.lines[2].contains("bytes")) << answers.lines[2];
  constexpr int64_t kPages = int64_t{1} << 20;  // the allocator's and the runtime's own
  EXPECT_LE(answers.lines[2]["bytes"], answers.lines[0]["scratch"].get<int64_t>() + kPages);
}

TEST(AttentionBench, WhatItCannotDoItSays) {
  Problem misfit({1, 3, 5, 8}, {1, 2, 5, 8});
  const Json forward = {{"do", "forward"}, {"calls", 1}};
  const Answers answers = ask(ATTEND_ATTENTION_BENCH, {forward,
                                                       misfit.case_of({{"causal", "sideways"}}),
                                                       misfit.case_of({{"dtype", "int4"}}),
                                                       misfit.case_of({{"results", {"entropy"}}}),
                                                       misfit.case_of({}),
                                                       forward,
                                                       {{"do", "facts"}}});
  EXPECT_NE(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 7u);
  const char* named[] = {"needs a \"case\" first", "causal", "dtype", "entropy", "", "Hkv"};
  for (size_t i : {0u, 1u, 2u, 3u, 5u})
    EXPECT_NE(answers.lines[i].value("error", "").find(named[i]), std::string::npos) << answers.lines[i];
  EXPECT_TRUE(answers.lines[6].contains("isa"));
}

}  // namespace
}  // namespace attend
