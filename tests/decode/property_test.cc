// What is true of decoding whatever the numbers: on every instruction set, for problems of every kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/decode.h"
#include "attention/rounding_bound.h"
#include "decode/cache_case.h"
#include "decode/decode_bound.h"
#include "decode/drawn_cache.h"

namespace attend {
namespace {

constexpr int kDraws = 40;

/// Calls body(spec, options) for drawn problems, as changed by `adapt`, on every instruction set.
template <class Adapt, class Body>
void for_drawn(uint64_t stream, Adapt&& adapt, Body&& body) {
  for (int draw = 0; draw < kDraws; ++draw) {
    Choices choices(RandomKey(stream).child(static_cast<uint64_t>(draw)));
    CacheSpec spec = draw_cache(choices);
    adapt(spec);
    const DrawnDecodeOptions options(choices, CacheCase(spec));
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      body(spec, options.on(isa));
    }
  }
}

TEST(DecodeProperties, EveryDrawnAnswerIsWithinTheBoundsOfRounding) {
  for_drawn(
      1, [](CacheSpec&) {},
      [](const CacheSpec& spec, const DecodeOptions& options) {
        const CacheCase problem(spec);
        const DecodeAnswer exact = problem.exact(options), bound = decode_bound(problem, options, exact),
                           answer = problem.decode(options);
        EXPECT_TRUE(within(bound.output, answer.output, exact.output));
        EXPECT_TRUE(within(bound.lse, answer.lse, exact.lse));
      });
}

TEST(DecodeProperties, WherePagesLieMovesNoBit) {
  // The tokens are a function of the seed alone, and so is the order of pages of one size.
  for_drawn(
      2, [](CacheSpec&) {},
      [](const CacheSpec& spec, const DecodeOptions& options) {
        CacheSpec contiguous = spec;
        contiguous.page_size = 0;
        const DecodeAnswer expected = CacheCase(contiguous).decode(options);
        for (const int64_t page_size : {1, 7, 64}) {
          CacheSpec paged = spec;
          paged.page_size = page_size;
          EXPECT_TRUE(CacheCase(paged).decode(options) == expected) << "pages of " << page_size;
        }
      });
}

TEST(DecodeProperties, TokensThatNoQuerySeesMoveNoBitOfALogSum) {
  for_drawn(
      3, [](CacheSpec&) {},
      [](const CacheSpec& spec, const DecodeOptions& options) {
        CacheCase problem(spec);
        const DecodeAnswer exact = problem.exact(options), bound = decode_bound(problem, options, exact),
                           before = problem.decode(options);
        poison_unseen_tokens(problem, options, NAN);
        const DecodeAnswer after = problem.decode(options);
        EXPECT_EQ(after.lse, before.lse);
        EXPECT_TRUE(within(bound.output, after.output, exact.output));
      });
}

TEST(DecodeProperties, AnOutputLiesBetweenTheValuesOfItsSequence) {
  for_drawn(
      4, [](CacheSpec& spec) { spec.query = DType::kFloat32; },
      [](const CacheSpec& spec, DecodeOptions options) {
        options.sinks = {};
        const CacheCase problem(spec);
        const DecodeAnswer answer = problem.decode(options);
        size_t at = 0;
        for (int64_t b = 0; b < problem.B(); ++b) {
          const int64_t length = problem.lengths[static_cast<size_t>(b)];
          for (int64_t h = 0; h < spec.Hq; ++h) {
            // Of queries that see nothing, 0.
            std::vector<double> low(static_cast<size_t>(spec.Dv), 0), high = low;
            for (int64_t j = 0; j < length; ++j) {
              const std::vector<double> row = problem.value(b, h / (spec.Hq / spec.Hkv), j);
              for (size_t d = 0; d < row.size(); ++d) {
                low[d] = std::min(low[d], row[d]);
                high[d] = std::max(high[d], row[d]);
              }
            }
            for (int64_t i = 0; i < spec.Tq; ++i) {
              for (size_t d = 0; d < low.size(); ++d, ++at) {
                const double slack = 0x1p-24 * static_cast<double>(2 * length + 16) * (high[d] - low[d]);
                ASSERT_GE(answer.output[at], low[d] - slack);
                ASSERT_LE(answer.output[at], high[d] + slack);
              }
            }
          }
        }
      });
}

TEST(DecodeProperties, ASequenceAskedForTwiceAnswersTwice) {
  for_drawn(
      5, [](CacheSpec& spec) { spec.lengths.resize(3, 33); },
      [](const CacheSpec& spec, DecodeOptions options) {
        options.query_counts = {};
        CacheCase problem(spec);
        problem.sequences = {2, 2, 0};
        const DecodeAnswer exact = problem.exact(options), bound = decode_bound(problem, options, exact),
                           answer = problem.decode(options);
        EXPECT_TRUE(within(bound.output, answer.output, exact.output));
        problem.sequences = {1, 2, 0};
        const DecodeAnswer other = problem.decode(options);
        const size_t each = answer.output.size() / 3;
        EXPECT_TRUE(std::equal(answer.output.begin() + static_cast<ptrdiff_t>(each), answer.output.end(),
                               other.output.begin() + static_cast<ptrdiff_t>(each)));
      });
}

}  // namespace
}  // namespace attend
