#include <gtest/gtest.h>

#include <cmath>

#include "attention/rounding_bound.h"
#include "base/reordered_executor.h"
#include "decode/cache_case.h"
#include "decode/decode_bound.h"
#include "decode/drawn_cache.h"
#include "fuzz/fuzz.h"

namespace attend {

void fuzz_decode(Choices& choices) {
  CacheCase problem(draw_cache(choices));
  const auto count = static_cast<int64_t>(problem.lengths.size());
  for (int64_t b = choices.flip() ? 0 : choices.between(1, count); b > 0; --b)
    problem.sequences.push_back(static_cast<int32_t>(choices.between(0, count - 1)));
  const DrawnDecodeOptions options(choices, problem);
  ReorderedExecutor executor(static_cast<int>(choices.between(1, 5)));
  const DecodeAnswer exact = problem.exact(options.on(Isa::kScalar)),
                     bound = decode_bound(problem, options.on(Isa::kScalar), exact);
  if (choices.flip()) {
    poison_unseen_tokens(problem, options.on(Isa::kScalar), choices.flip() ? NAN : INFINITY);
  }
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << "decode on " << name(isa) << ": " << problem.spec << " causal "
                                      << static_cast<int>(options.causal) << " window " << options.window.left
                                      << " " << options.window.right << " softcap " << options.softcap);
    const DecodeAnswer answer = problem.decode(options.on(isa));
    EXPECT_TRUE(within(bound.output, answer.output, exact.output)) << "output";
    EXPECT_TRUE(within(bound.lse, answer.lse, exact.lse)) << "lse";
    EXPECT_TRUE(problem.decode(options.on(isa), executor) == answer) << executor.workers() << " workers";
  }
}

}  // namespace attend
