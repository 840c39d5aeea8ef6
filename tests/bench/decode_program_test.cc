// The programs that measure kernels and decoding compute what they are asked. How fast is no matter of tests.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/programs.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"
#include "numbers.h"

namespace attend {
namespace {

using bench::Numbers;

// One thread: on a machine with other work, many short calls of several wait for each other.
const std::string kDecode = "OMP_NUM_THREADS=1 " ATTEND_DECODE_BENCH " --requests";

constexpr int64_t kB = 2, kHq = 4, kHkv = 2, kTokens = 32, kD = 16;

/// Tokens and queries in a file, as the program reads them, and what comes of them.
struct Problem {
  const Numbers query = Numbers::normal({kB, kHq, 1, kD}, 1),
                key = Numbers::normal({1, kHkv, kTokens, kD}, 2),
                value = Numbers::normal({1, kHkv, kTokens, kD}, 3);
  const TemporaryFolder folder;
  const std::string path = folder / "tokens.safetensors";

  Problem() {
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, numbers] : {std::pair{"query", &query}, {"key", &key}, {"value", &value}}) {
      tensors.push_back({name,
                         {numbers->shape().begin(), numbers->shape().end()},
                         {numbers->floats(), static_cast<size_t>(numbers->count())}});
    }
    EXPECT_TRUE(write_safetensors(path, tensors, {}).ok());
  }

  /// Where the output of so many query heads goes.
  std::string results(int64_t heads) const { return folder / ("results-" + std::to_string(heads)); }

  /// Softmax attention of the tokens alone, one loop after another, in float64.
  double expected(int64_t b, int64_t h, int64_t d, int64_t heads) const {
    const float* q = query.floats() + (b * kHq + h) * kD;
    const int64_t first = h / (heads / kHkv) * kTokens * kD;
    double sum = 0, weighted = 0;
    for (int64_t j = 0; j < kTokens; ++j) {
      const float *k = key.floats() + first + j * kD, *v = value.floats() + first + j * kD;
      double score = 0;
      for (int64_t e = 0; e < kD; ++e) score += static_cast<double>(q[e]) * static_cast<double>(k[e]);
      const double weight = std::exp(score / std::sqrt(static_cast<double>(kD)));
      sum += weight;
      weighted += weight * static_cast<double>(v[d]);
    }
    return weighted / sum;
  }

  void expect_output(int64_t heads, double tolerance) const {
    const Result<Safetensors> file = Safetensors::open(results(heads));
    ASSERT_TRUE(file.ok()) << file.status().message();
    std::vector<float> output(kB * kHq * kD);
    const int64_t shape[] = {kB, kHq, 1, kD};
    ASSERT_TRUE(file.value().read("output", shape, output).ok());
    for (int64_t b = 0; b < kB; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t d = 0; d < kD; ++d) {
          const auto at = static_cast<size_t>((b * kHq + h) * kD + d);
          ASSERT_NEAR(static_cast<double>(output[at]), expected(b, h, d, heads), tolerance)
              << "b " << b << " h " << h << " d " << d;
        }
      }
    }
  }
};

TEST(DecodeBench, ACacheFullOfTheTokensOverAndOverHasTheirAttention) {
  const Problem problem;
  for (const auto& [stored, tolerance] :
       {std::pair{"float32", 1e-6}, {"float16", 3e-3}, {"bfloat16", 2e-2}, {"int8", 3e-2}}) {
    std::vector<Json> requests = {
        {{"do", "case"}, {"data", problem.path}, {"stored", stored}, {"keys", 3 * kTokens}, {"name", "a"}}};
    for (const int64_t heads : {kHkv, kHq}) {
      requests.push_back({{"do", "decode"}, {"name", "a"}, {"heads", heads}});
      requests.push_back({{"do", "write"}, {"name", "a"}, {"path", problem.results(heads)}});
    }
    const Answers answers = ask(kDecode, requests);
    ASSERT_EQ(answers.status, 0) << stored;
    EXPECT_NE(answers.lines[0].value("explain", ""), "");
    EXPECT_GE(answers.lines[0].value("layers", 0), 2);
    for (const int64_t heads : {kHkv, kHq}) {
      SCOPED_TRACE(std::string(stored) + ", " + std::to_string(heads) + " heads");
      problem.expect_output(heads, tolerance);
    }
    EXPECT_GT(answers.lines[1].value("seconds", 0.0), 0.0);
  }
}

TEST(DecodeBench, BytesAreThoseOfKeysAndValuesAndScales) {
  const Problem problem;
  const auto bytes_of = [&](const char* stored) -> int64_t {
    const Answers answers =
        ask(kDecode, {{{"do", "case"}, {"data", problem.path}, {"stored", stored}, {"keys", kTokens}}});
    return answers.lines.at(0).value("bytes", int64_t{0});
  };
  EXPECT_EQ(bytes_of("float32"), 2 * kB * kHkv * kTokens * kD * 4);
  EXPECT_EQ(bytes_of("int8"), 2 * kB * kHkv * kTokens * (kD + 4));
}

TEST(DecodeBench, WhatItCannotDoItSays) {
  const Problem problem;
  const Answers answers =
      ask(kDecode, {{{"do", "decode"}, {"heads", 2}},
                    {{"do", "case"}, {"data", problem.path}, {"stored", "int4"}, {"keys", 8}},
                    {{"do", "case"}, {"data", problem.path}, {"stored", "int8"}, {"keys", 0}},
                    {{"do", "facts"}}});
  EXPECT_NE(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 4u);
  EXPECT_NE(answers.lines[0].value("error", "").find("needs a \"case\" first"), std::string::npos);
  EXPECT_NE(answers.lines[1].value("error", "").find("stored"), std::string::npos);
  EXPECT_NE(answers.lines[2].value("error", "").find("capacity"), std::string::npos) << answers.lines[2];
  EXPECT_TRUE(answers.lines[3].contains("isa"));
  EXPECT_NE(run(std::string(ATTEND_DECODE_BENCH) + " --isa abacus 2>&1").text.find("usage"),
            std::string::npos);
}

TEST(KernelsBench, EveryShapeIsMeasured) {
  const Output output = run(std::string(ATTEND_KERNELS_BENCH) + " --json");
  EXPECT_EQ(output.status, 0);
  const Json measured = Json::parse(output.text);
  EXPECT_GT(measured.value("peak", 0.0), 0.0);
  ASSERT_GT(measured["rows"].size(), 10u);
  for (const Json& row : measured["rows"]) {
    EXPECT_GT(row.value("forward_rate", 0.0), 0.0) << row;
    EXPECT_GT(row.value("backward_rate", 0.0), 0.0) << row;
  }
  EXPECT_NE(run(std::string(ATTEND_KERNELS_BENCH) + " abacus 2>&1").text.find("usage"), std::string::npos);
}

}  // namespace
}  // namespace attend
