// Whether attention_decode() computes what decode.h says.
#ifndef ATTEND_TESTS_DECODE_EXPECT_RIGHT_H_
#define ATTEND_TESTS_DECODE_EXPECT_RIGHT_H_

#include <gtest/gtest.h>

#include "attend/decode.h"
#include "decode/answers.h"
#include "decode/cache_case.h"

namespace attend {

/// On every instruction set, as near to float64 loops as the plain float32 ones are.
inline void expect_right(const CacheSpec& spec, DecodeOptions options = {}) {
  const CacheCase problem(spec);
  const DecodeAnswer exact = problem.exact(options);
  options.isa = Isa::kScalar;
  const DecodeAnswer plain = problem.decode(options);
  for (const Isa isa : isas()) {
    options.isa = isa;
    const DecodeAnswer made = problem.decode(options);
    EXPECT_TRUE(as_good_as(plain.output, made.output, exact.output)) << spec << " output on " << name(isa);
    EXPECT_TRUE(as_good_as(plain.lse, made.lse, exact.lse)) << spec << " lse on " << name(isa);
  }
}

}  // namespace attend

#endif  // ATTEND_TESTS_DECODE_EXPECT_RIGHT_H_
