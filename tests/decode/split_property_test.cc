// Keys cut in two anywhere, attended to apart and merged, are the keys together.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "attend/decode.h"
#include "attention/drawn_case.h"
#include "attention/rounding_bound.h"

namespace attend {
namespace {

struct Part {
  explicit Part(const Sizes& n)
      : output({n.B, n.Hq, n.Tq, n.Dv}, Layout::kDense), lse({n.B, n.Hq, n.Tq, 1}, Layout::kDense) {}
  PaddedTensor<float> output, lse;
};

TensorView keys_of(TensorView view, size_t axis, int64_t first, int64_t end) {
  if (!view.present() || view.shape[axis] == 1) return view;
  const int64_t step = view.stride[axis] * static_cast<int64_t>(size_of(view.dtype));
  view.data = static_cast<const std::byte*>(view.data) + first * step;
  view.shape[axis] = end - first;
  return view;
}

/// Attention over keys [first, end), which stand where they stood.
Part attend_to(const AttentionCase& problem, Isa isa, int64_t first, int64_t end) {
  const Sizes& n = problem.spec().sizes;
  AttentionOptions options = problem.options(isa);
  std::vector<int64_t> offsets, lengths;
  for (int64_t b = 0; b < n.B; ++b) {
    const auto row = static_cast<size_t>(b);
    int64_t offset = options.causal == Causal::kUpperLeft ? 0 : n.Tk - n.Tq;
    if (!options.query_offset.empty())
      offset = options.query_offset[options.query_offset.size() == 1 ? 0 : row];
    offsets.push_back(offset - first);
    const int64_t length = options.kv_lengths.empty() ? n.Tk : options.kv_lengths[row];
    lengths.push_back(std::clamp(length - first, int64_t{0}, end - first));
  }
  if (options.causal != Causal::kNone) options.causal = Causal::kQueryOffset;
  options.query_offset = offsets;
  options.kv_lengths = lengths;
  options.mask = keys_of(options.mask, 3, first, end);
  options.bias = keys_of(options.bias, 3, first, end);
  Part part(n);
  const Status status = attention({problem.query.view(),
                                   keys_of(problem.key.view(), 2, first, end),
                                   keys_of(problem.value.view(), 2, first, end),
                                   part.output.view(),
                                   part.lse.view(),
                                   {}},
                                  options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  return part;
}

std::vector<double> doubles(const PaddedTensor<float>& tensor) {
  const std::vector<float> numbers = tensor.elements();
  return {numbers.begin(), numbers.end()};
}

TEST(SplitProperties, KeysCutAnywhereAndMergedAreTheWhole) {
  for (int draw = 0; draw < 60; ++draw) {
    Choices choices(RandomKey(77).child(static_cast<uint64_t>(draw)));
    CaseSpec spec = draw_case(choices);
    spec.dropout = 0;    // a function of the key's number
    spec.sinks = false;  // a part that sees no key forgets its sink
    if (spec.sizes.Tk == 0) continue;
    const AttentionCase problem(spec);
    const int64_t cut = choices.between(0, spec.sizes.Tk);
    const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << " cut at " << cut << ": " << spec);
      Part first = attend_to(problem, isa, 0, cut), second = attend_to(problem, isa, cut, spec.sizes.Tk);
      const TensorView second_output = second.output.view(), second_lse = second.lse.view();
      ASSERT_TRUE(merge({{first.output.view(), first.lse.view()},
                         {second_output, second_lse},
                         first.output.view(),
                         first.lse.view()},
                        serial_executor())
                      .ok());
      EXPECT_TRUE(within(bound.lse, doubles(first.lse), exact.lse));
      EXPECT_TRUE(within(bound.output, doubles(first.output), exact.output));
    }
  }
}

}  // namespace
}  // namespace attend
