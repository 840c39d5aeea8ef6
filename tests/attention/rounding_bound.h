// How far float32 arithmetic can be from exact: bounds that hold for every order of the sums, so that a drawn
// problem that exceeds one shows a mistake and never bad luck. They are the running error analysis of
// Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.3, of the formulas of attention.h.
#ifndef ATTEND_TESTS_ATTENTION_ROUNDING_BOUND_H_
#define ATTEND_TESTS_ATTENTION_ROUNDING_BOUND_H_

#include <gtest/gtest.h>

#include <vector>

#include "attention/attention_case.h"

namespace attend {

/// A bound for each number of an answer.
ForwardAnswer forward_bound(const AttentionCase& problem, const ForwardAnswer& exact);
BackwardAnswer backward_bound(const AttentionCase& problem, const ForwardAnswer& exact);

/// Whether |actual - exact| <= bound, number by number; a NaN fails.
::testing::AssertionResult within(const std::vector<double>& bound, const std::vector<double>& actual,
                                  const std::vector<double>& exact);
::testing::AssertionResult within(const ForwardAnswer& bound, const ForwardAnswer& actual,
                                  const ForwardAnswer& exact);
::testing::AssertionResult within(const BackwardAnswer& bound, const BackwardAnswer& actual,
                                  const BackwardAnswer& exact);

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_ROUNDING_BOUND_H_
