// What turning queries and keys means for attention, beside the accuracy that forward_test.cc holds it to.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "attend/attention.h"
#include "attend/rope.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"

namespace attend {
namespace {

TEST(ForwardWithRope, EqualsAttentionOverTurnedRows) {
  for (const CaseSpec& spec : turned_by_positions()) {
    if (spec.rope.given) continue;
    const AttentionCase problem(spec);
    AttentionCase plain = problem;  // its rows are turned beforehand
    std::vector<int64_t> queries;
    for (int64_t row = 0; row < spec.sizes.B * spec.sizes.Tq; ++row) {
      queries.push_back(problem.query_position(row / spec.sizes.Tq, row % spec.sizes.Tq));
    }
    const Rope turns = problem.options().rope;
    ASSERT_TRUE(rope({plain.query.view(), plain.query.view()}, {turns, queries}, serial_executor()).ok());
    ASSERT_TRUE(rope({plain.key.view(), plain.key.view()}, {turns}, serial_executor()).ok());
    plain.cos = {};
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      const ForwardAnswer turned = problem.forward(isa), beforehand = plain.forward(isa);
      EXPECT_LE(largest_error(turned.output, beforehand.output), 1e-5);
      EXPECT_LE(largest_error(turned.lse, beforehand.lse), 1e-5);
    }
  }
}

TEST(ForwardWithRope, WeightsDoNotChangeWhenAllPositionsMove) {
  AttentionCase problem({.sizes = {1, 2, 1, 30, 40, 16, 8}, .rope = {16, RopeLayout::kInterleaved}});
  for (const Isa isa : isas()) {
    problem.query_positions.clear();
    problem.key_positions.clear();
    const ForwardAnswer near = problem.forward(isa);
    problem.cos = problem.sin = PaddedTensor<float>({1, 1, 1000, 8}, Layout::kDense);
    ASSERT_TRUE(rope_table({.base = 100}, {problem.cos.view(), problem.sin.view()}).ok());
    for (int64_t i = 0; i < 30; ++i) problem.query_positions.push_back(900 + i + 10);
    for (int64_t j = 0; j < 40; ++j) problem.key_positions.push_back(900 + j);
    EXPECT_LE(largest_error(problem.forward(isa).weights, near.weights), 1e-6) << name(isa);
  }
}

}  // namespace
}  // namespace attend
