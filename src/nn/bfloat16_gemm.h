// Matrix products whose operands are rounded to bfloat16: 8 bits of mantissa in, float32 sums out.
#ifndef ATTEND_NN_BFLOAT16_GEMM_H_
#define ATTEND_NN_BFLOAT16_GEMM_H_

#include "attend/status.h"
#include "base/arena.h"
#include "nn/product.h"

namespace attend {

/// c = op(a) op(b), or c += op(a) op(b), shapes as gemm()'s, none empty. The rounded operands live in the
/// arena for as long as the call. Errors: kUnsupported, kOutOfMemory; c is then as it was.
Status multiply_bfloat16(const Product<float>& product, Arena& arena);

}  // namespace attend

#endif  // ATTEND_NN_BFLOAT16_GEMM_H_
