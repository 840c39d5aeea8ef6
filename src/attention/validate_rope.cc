#include "attention/validate_rope.h"

#include <algorithm>
#include <string>

namespace attend {

Operand cos_of(const Rope& rope) {
  return {"rope.cos", rope.cos, {"0", "1", "P", "R/2"}};
}

Operand sin_of(const Rope& rope) {
  return {"rope.sin", rope.sin, {"0", "1", "P", "R/2"}};
}

Status check_rope(const Rope& rope, const Operand& rows, DType dtype) {
  const Operand cos = cos_of(rope), sin = sin_of(rope);
  if (!rope.present()) {
    ATTEND_RETURN_IF_ERROR(check_address(cos));
    return check_address(sin);
  }
  if (rope.layout != RopeLayout::kHalfSplit && rope.layout != RopeLayout::kInterleaved) {
    return invalid("rope.layout is " + std::to_string(static_cast<int>(rope.layout)) +
                   ", but must be kHalfSplit or kInterleaved");
  }
  for (const Operand* table : {&cos, &sin}) {
    if (!table->view.present()) return invalid(std::string(table->name) + " is a null pointer");
    ATTEND_RETURN_IF_ERROR(check_type(*table, dtype));
    ATTEND_RETURN_IF_ERROR(check_size(*table, 0, 1));
    ATTEND_RETURN_IF_ERROR(check_size(*table, 1, 1));
    ATTEND_RETURN_IF_ERROR(check_range(*table, 2, 0, INT64_MAX));
    ATTEND_RETURN_IF_ERROR(check_range(*table, 3, 1, INT64_MAX));
  }
  ATTEND_RETURN_IF_ERROR(check_same(sin, {2, 3}, cos));
  if (rope.cos.shape[3] > rows.view.shape[3] / 2) {
    return invalid(axis_is(cos, 3) + ", of two features each, but " + axis_is(rows, 3));
  }
  ATTEND_RETURN_IF_ERROR(check_memory(cos));
  return check_memory(sin);
}

Status check_given(const char* list, std::span<const int64_t> given, const Rope& rope, int64_t B,
                   int64_t count) {
  if (given.empty()) return {};
  const auto size = static_cast<int64_t>(given.size());
  if (!rope.present()) {
    return invalid(std::string(list) + " has " + std::to_string(size) + " numbers, but rope is absent");
  }
  int64_t all = 0;
  if (size == count || (!__builtin_mul_overflow(B, count, &all) && size == all)) return {};
  return invalid(std::string(list) + " has " + std::to_string(size) + " numbers, but must have " +
                 std::to_string(count) + ", or as many for each of " + std::to_string(B) + " batch rows");
}

Status check_position(const Rope& rope, const char* row, int64_t b, int64_t t, int64_t position) {
  if (position >= 0 && position < rope.cos.shape[2]) return {};
  return invalid(std::string(row) + " " + std::to_string(t) + " of batch row " + std::to_string(b) +
                 " has position " + std::to_string(position) + ", but " +
                 (position < 0 ? "positions begin at 0" : axis_is(cos_of(rope), 2)));
}

Status check_positions(const Rope& rope, const char* row, const RowPositions& positions, int64_t b,
                       int64_t count) {
  if (count == 0) return {};
  // Positions that follow each other are in the tables when the first and the last are.
  const int64_t step = positions.follow_each_other() && count > 1 ? count - 1 : 1;
  for (int64_t t = 0; t < count; t += step) {
    ATTEND_RETURN_IF_ERROR(check_position(rope, row, b, t, positions.at(b, t)));
  }
  return {};
}

Status check_places(const Sizes& n, const AttentionOptions& options, int64_t b) {
  const RowPositions queries(options.query_positions, n.Tq, Alignment(n, options)),
      keys(options.key_positions, n.Tk);
  const int64_t length = options.kv_lengths.empty() ? n.Tk : options.kv_lengths[static_cast<size_t>(b)];
  ATTEND_RETURN_IF_ERROR(check_positions(options.rope, "query", queries, b, n.Tq));
  return check_positions(options.rope, "key", keys, b, length);
}

Status check_places(const Sizes& n, const AttentionOptions& options) {
  const RowPositions queries(options.query_positions, n.Tq, Alignment(n, options)),
      keys(options.key_positions, n.Tk);
  const int64_t distinct = std::max(queries.distinct_rows(n.B), keys.distinct_rows(n.B));
  for (int64_t b = 0; b < (options.kv_lengths.empty() ? distinct : n.B); ++b) {
    ATTEND_RETURN_IF_ERROR(check_places(n, options, b));
  }
  return {};
}

}  // namespace attend
