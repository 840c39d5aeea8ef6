#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "attend/attention.h"
#include "attend/isa.h"
#include "attention/attention_case.h"
#include "attention/forward.h"

namespace attend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Isas, EndWithTheScalarReferenceAndHaveNoDoubles) {
  const std::vector<Isa> found = isas();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back(), Isa::kScalar);
  EXPECT_EQ(std::set<Isa>(found.begin(), found.end()).size(), found.size());
}

TEST(Isas, OfAnX86MachineWithAvx2IncludeIt) {
#if defined(__x86_64__)
  const std::vector<Isa> found = isas();
  EXPECT_EQ(std::count(found.begin(), found.end(), Isa::kAvx2) == 1,
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#else
  GTEST_SKIP() << "not an x86 machine";
#endif
}

TEST(Isas, AreFoundByTheirNames) {
  for (const Isa isa : {Isa::kScalar, Isa::kSse4, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kNeon}) {
    EXPECT_EQ(isa_from_name(name(isa)), isa);
  }
  EXPECT_EQ(name(Isa::kAvx512), "avx512");
  EXPECT_EQ(name(Isa::kAvx512Bf16), "avx512_bf16");
  EXPECT_EQ(isa_from_name("avx"), std::nullopt);
  EXPECT_EQ(isa_from_name(""), std::nullopt);
}

TEST(Isas, ANumberThatIsNoneOfThemHasNoNameAndRunsNothing) {
  EXPECT_EQ(name(static_cast<Isa>(9)), "unknown");
  const float number[8] = {};
  float output[8];
  const Shape row = {1, 1, 1, 8};
  AttentionOptions options;
  options.isa = static_cast<Isa>(9);
  const Status status = attention({{number, row}, {number, row}, {number, row}, {output, row}, {}, {}},
                                  options, serial_executor());
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_EQ(status.message().find("isa unknown is not available here"), 0u) << status.message();
}

std::string explained(int64_t Tq, AttentionOptions options) {
  std::vector<float> query(static_cast<size_t>(Tq) * 8), output(query.size()), key(64 * 8);
  return explain({{query.data(), Shape{1, 1, Tq, 8}},
                  {key.data(), Shape{1, 1, 64, 8}},
                  {key.data(), Shape{1, 1, 64, 8}},
                  {output.data(), Shape{1, 1, Tq, 8}},
                  {},
                  {}},
                 options)
      .value();
}

std::string explained(int64_t Tq, std::optional<Isa> isa) {
  AttentionOptions options;
  options.isa = isa;
  return explained(Tq, options);
}

TEST(Explain, NamesTheOptionsInEffect) {
  AttentionOptions options;
  options.causal = Causal::kQueryOffset;
  const int64_t offset = 5;
  options.query_offset = std::span(&offset, 1);
  options.window.left = 256;
  EXPECT_THAT(
      explained(100, options),
      HasSubstr("; with causal kQueryOffset, query_offset 5, window of 256 keys left and all keys right"));
  options = {};
  const float numbers[64] = {};
  options.bias = TensorView(numbers, Shape{1, 1, 1, 64});
  options.alibi_slopes = TensorView(numbers, Shape{1, 1, 1, 1});
  options.softcap = 30;
  options.sinks = options.alibi_slopes;
  options.dropout = 0.1f;
  EXPECT_THAT(explained(100, options),
              HasSubstr("; with bias, alibi_slopes, softcap 30, sinks, dropout 0.1"));
  EXPECT_EQ(explained(100, AttentionOptions()).find("; with"), std::string::npos);
}

TEST(Explain, NamesTheSecondPass) {
  std::vector<float> numbers(8 * 8), sums(8);
  AttentionTensors tensors = {{sums.data(), Shape{1, 1, 8, 1}},
                              {sums.data(), Shape{1, 1, 8, 1}},
                              {sums.data(), Shape{1, 1, 8, 1}},
                              {numbers.data(), Shape{1, 1, 8, 1}},
                              {},
                              {}};
  std::vector<float> mean(8 * 8), columns(8);
  tensors.head_mean = {mean.data(), Shape{1, 1, 8, 8}};
  EXPECT_THAT(explain(tensors, {}).value(), HasSubstr("; then head_mean by a second pass over the scores"));
  tensors.column_sums = {columns.data(), Shape{1, 1, 1, 8}};
  EXPECT_THAT(explain(tensors, {}).value(), HasSubstr("; then head_mean and column_sums by a second pass"));
}

TEST(Explain, NamesTheKernelTheInstructionSetAndTheReason) {
  EXPECT_EQ(explained(100, Isa::kScalar), "reference loops on scalar, as pinned; 1 work items");
  for (const Isa isa : isas()) {
    if (isa == Isa::kScalar) continue;
    const std::string word(name(isa));
    EXPECT_THAT(explained(1, isa),
                AllOf(HasSubstr("rows on " + word + ", because Tq is 1"), HasSubstr("1 work items")));
    EXPECT_THAT(explained(100, isa), AllOf(HasSubstr("panels on " + word + ", because Tq is 100"),
                                           HasSubstr("tiles of 64 keys"), HasSubstr("2 work items")));
  }
}

TEST(ForwardPlan, SaysWhichFormItChose) {
  const Sizes few = {.B = 1, .Hq = 1, .Hkv = 1, .Tq = 1, .Tk = 64, .D = 8, .Dv = 8};
  Sizes many = few;
  many.Tq = 100;
  for (const Isa isa : isas()) {
    const auto form_for = [isa](const Sizes& n, DType dtype) {
      return plan_forward(n, {.dtype = dtype}, isa, false).form;
    };
    const bool scalar = isa == Isa::kScalar;
    const ForwardForm rows = scalar ? ForwardForm::kReference : ForwardForm::kRows,
                      panels = scalar ? ForwardForm::kReference : ForwardForm::kPanels;
    EXPECT_EQ(form_for(few, DType::kFloat32), rows) << name(isa);
    EXPECT_EQ(form_for(few, DType::kBFloat16), rows) << name(isa);
    EXPECT_EQ(form_for(many, DType::kFloat32), panels) << name(isa);
    EXPECT_EQ(form_for(many, DType::kBFloat16), isa == Isa::kAvx512Bf16 ? ForwardForm::kPairs : panels);
  }
}

TEST(Explain, PicksTheFastestInstructionSetByDefault) {
  EXPECT_EQ(explained(100, std::nullopt), explained(100, isas().front()));
}

TEST(Scratch, DoesNotGrowWithTheProductOfQueriesAndKeys) {
  const auto bytes = [](int64_t T) {
    const Shape shape = {1, 1, T, 64};
    std::vector<float> input(static_cast<size_t>(T) * 64), output(input.size());
    const TensorView in(input.data(), shape);
    return attention_scratch_bytes({in, in, in, {output.data(), shape}, {}, {}}, {}, 1).value();
  };
  EXPECT_GT(bytes(1000), 0u);
  EXPECT_EQ(bytes(1000), bytes(5000));
}

TEST(Scratch, IsCountedPerWorkerAndSufficesWhenGiven) {
  for (const Isa isa : isas()) {
    AttentionCase problem({.sizes = {1, 2, 1, 100, 130, 24, 40}});
    PaddedTensor<float> output({1, 2, 100, 40}, Layout::kDense);
    const AttentionTensors tensors = {
        problem.query.view(), problem.key.view(), problem.value.view(), output.view(), {}, {}};
    const size_t one = attention_scratch_bytes(tensors, problem.options(isa), 1).value();
    EXPECT_EQ(attention_scratch_bytes(tensors, problem.options(isa), 3).value(), 3 * one);
    std::vector<std::byte> memory(one + 128, std::byte{0x5a});
    const size_t skip = (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    const Status status =
        attention(tensors, problem.options(isa), {serial_executor(), std::span(memory).subspan(skip, one)});
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < memory.size(); ++i) {
      const bool mine = i >= skip && i < skip + one;
      ASSERT_TRUE(mine || memory[i] == std::byte{0x5a}) << name(isa) << " byte " << i;
    }
    const std::vector<float> made = output.elements();
    EXPECT_EQ(std::vector<double>(made.begin(), made.end()), problem.forward(isa).output);
  }
}

}  // namespace
}  // namespace attend
