// float32 rows as int8 with one scale.
#ifndef ATTEND_DECODE_QUANTIZE_H_
#define ATTEND_DECODE_QUANTIZE_H_

#include <cstdint>

namespace attend {

/// Writes q_d in [-127, 127] and returns the scale, so that |x_d - scale * q_d| <= max|x| / 253.
///
/// The scale is m / 127 with m = max|x|, so that rounding to nearest is off by at most half a scale, m / 254;
/// the float32 arithmetic of the scale, its inverse and the product adds at most 2^-15 scales. Rows with
/// m < 2^-100, whose inverse scale could overflow, become zeros. A row with a NaN or an infinity gets zeros
/// and the scale NaN, whose products are NaN.
float quantize_row(const float* x, int64_t count, int8_t* q);

}  // namespace attend

#endif  // ATTEND_DECODE_QUANTIZE_H_
