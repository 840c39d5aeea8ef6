#include "decode/problem.h"

#include "attention/rotation.h"
#include "decode/float_rows.h"

namespace attend {

void DecodeProblem::read_query(const DecodeMask& mask, int64_t b, int64_t h, int64_t i, float* to) const {
  read_floats(row_of(tensors.query, b, h, i), tensors.query.dtype, sizes.D, to);
  if (turns.present()) turn_row(turns.at(mask.rope_position(i)), to, sizes.D, to);
}

}  // namespace attend
