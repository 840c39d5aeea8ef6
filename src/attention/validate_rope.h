// What is checked about rotary position embedding, for every operation that has it.
#ifndef ATTEND_ATTENTION_VALIDATE_ROPE_H_
#define ATTEND_ATTENTION_VALIDATE_ROPE_H_

#include <cstdint>
#include <span>

#include "attend/attention.h"
#include "attend/rope.h"
#include "attention/operand.h"
#include "attention/rotation.h"
#include "attention/sizes.h"

namespace attend {

/// The tables as operands.
Operand cos_of(const Rope& rope);
Operand sin_of(const Rope& rope);

/// OK when `rope` is absent, or its tables are of type `dtype` and turn rows of the width of `rows`.
Status check_rope(const Rope& rope, const Operand& rows, DType dtype);

/// OK when there are as many positions as `B` batch rows of `count` rows need, and a rope to use them.
Status check_given(const char* list, std::span<const int64_t> given, const Rope& rope, int64_t B,
                   int64_t count);

/// OK when each of the first `count` rows of batch row b has a row in the tables; `row` names one.
Status check_positions(const Rope& rope, const char* row, const RowPositions& positions, int64_t b,
                       int64_t count);

/// The same for the queries of batch row b of a call, and for its keys within their length.
Status check_places(const Sizes& sizes, const AttentionOptions& options, int64_t b);
/// And for all batch rows.
Status check_places(const Sizes& sizes, const AttentionOptions& options);
Status check_position(const Rope& rope, const char* row, int64_t b, int64_t t, int64_t position);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_ROPE_H_
