#include <gtest/gtest.h>

#include <cmath>

#include "attention/attention_case.h"
#include "attention/drawn_case.h"
#include "attention/narrow_case.h"
#include "attention/packed_case.h"
#include "attention/rounding_bound.h"
#include "base/reordered_executor.h"
#include "fuzz/fuzz.h"

namespace attend {
namespace {

ReorderedExecutor draw_executor(Choices& choices) {
  return ReorderedExecutor(static_cast<int>(choices.between(1, 5)));
}

/// What no query sees holds numbers, NaN or infinities.
void draw_poison(Choices& choices, AttentionCase& problem) {
  if (choices.flip()) problem.poison_unseen_keys(choices.flip() ? NAN : INFINITY);
}

}  // namespace

void fuzz_forward(Choices& choices) {
  AttentionCase problem(draw_turned_case(choices));
  ReorderedExecutor executor = draw_executor(choices);
  const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact);
  draw_poison(choices, problem);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << "forward on " << name(isa) << ": " << problem.spec());
    const ForwardAnswer answer = problem.forward(isa);
    EXPECT_TRUE(within(bound, answer, exact));
    EXPECT_TRUE(problem.forward(isa, executor) == answer) << executor.workers() << " workers";
  }
}

void fuzz_sixteen_bits(Choices& choices) {
  AttentionCase problem(draw_turned_case(choices));
  ReorderedExecutor executor = draw_executor(choices);
  const DType dtype = choices.flip() ? DType::kBFloat16 : DType::kFloat16;
  round_operands(problem, dtype);
  const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact);
  draw_poison(choices, problem);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << (dtype == DType::kFloat16 ? "float16" : "bfloat16") << " forward on "
                                      << name(isa) << ": " << problem.spec());
    const ForwardAnswer wide = problem.forward(isa);
    EXPECT_TRUE(within(bound, wide, exact));
    EXPECT_TRUE(forward_in(problem, dtype, isa, executor) == rounded_once(wide, dtype))
        << executor.workers() << " workers";
  }
}

void fuzz_backward(Choices& choices) {
  AttentionCase problem(draw_turned_case(choices));
  ReorderedExecutor executor = draw_executor(choices);
  const BackwardAnswer exact = problem.exact_backward(),
                       bound = backward_bound(problem, problem.exact_forward());
  draw_poison(choices, problem);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << "backward on " << name(isa) << ": " << problem.spec());
    const BackwardAnswer answer = problem.backward(isa);
    EXPECT_TRUE(within(bound, answer, exact));
    EXPECT_TRUE(problem.backward(isa, executor) == answer) << executor.workers() << " workers";
  }
}

void fuzz_packed(Choices& choices) {
  const PackedCase problem(draw_packed(choices));
  ReorderedExecutor executor = draw_executor(choices);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << "packed on " << name(isa) << ": " << problem.spec());
    const PackedAnswer answer = problem.forward(isa);
    EXPECT_TRUE(answer == problem.forward_alone(isa));
    EXPECT_TRUE(problem.forward(isa, executor) == answer) << executor.workers() << " workers";
    PackedGradients gradients = problem.backward(isa);
    EXPECT_TRUE(problem.backward(isa, executor) == gradients) << executor.workers() << " workers";
    gradients.sinks.clear();  // sums over the sequences
    gradients.bias.clear();
    EXPECT_TRUE(gradients == problem.backward_alone(isa));
  }
}

}  // namespace attend
