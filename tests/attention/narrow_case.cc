#include "attention/narrow_case.h"

#include <utility>

#include "base/half.h"

namespace attend {

uint16_t narrow(float x, DType dtype) {
  return dtype == DType::kFloat16 ? float_to_half(x) : float_to_bfloat16(x);
}
float widen(uint16_t x, DType dtype) {
  return dtype == DType::kFloat16 ? half_to_float(x) : bfloat16_to_float(x);
}

void round_operands(AttentionCase& problem, DType dtype) {
  for (PaddedTensor<float>* tensor :
       {&problem.query, &problem.key, &problem.value, &problem.output_gradient}) {
    std::vector<float> numbers = tensor->elements();
    for (float& x : numbers) x = widen(narrow(x, dtype), dtype);
    tensor->set_elements(numbers);
  }
}

ForwardAnswer forward_in(const AttentionCase& problem, DType dtype, Isa isa, Executor& executor) {
  const Sizes& n = problem.spec().sizes;
  NarrowTensor query(problem.query, dtype), key(problem.key, dtype), value(problem.value, dtype),
      output({n.B, n.Hq, n.Tq, n.Dv}, dtype);
  PaddedTensor<float> lse({n.B, n.Hq, n.Tq, 1}, Layout::kDense),
      weights({n.B, n.Hq, n.Tq, n.Tk}, Layout::kDense), head_mean({n.B, 1, n.Tq, n.Tk}, Layout::kDense),
      column_sums({n.B, n.Hq, 1, n.Tk}, Layout::kDense);
  AttentionTensors tensors = {query.view(),  key.view(), value.view(),
                              output.view(), lse.view(), weights.view()};
  Status status = attention(tensors, problem.options(isa), executor);
  EXPECT_TRUE(status.ok()) << status.message();
  // A call of its own: summaries may ask for another kernel.
  NarrowTensor output_beside({n.B, n.Hq, n.Tq, n.Dv}, dtype);
  tensors = {query.view(), key.view(), value.view(), output_beside.view(), {}, {}};
  tensors.head_mean = head_mean.view();
  tensors.column_sums = column_sums.view();
  status = attention(tensors, problem.options(isa), executor);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(output_beside.gaps_are_whole());
  EXPECT_TRUE(output.gaps_are_whole());
  const auto doubles = [](const PaddedTensor<float>& t) {
    const std::vector<float> numbers = t.elements();
    return std::vector<double>(numbers.begin(), numbers.end());
  };
  return {output.elements(), doubles(lse), doubles(weights), doubles(head_mean), doubles(column_sums)};
}

ForwardAnswer rounded_once(ForwardAnswer wide, DType dtype) {
  for (double& x : wide.output) x = static_cast<double>(widen(narrow(static_cast<float>(x), dtype), dtype));
  return wide;
}

}  // namespace attend
