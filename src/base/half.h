// IEEE 754 half precision and bfloat16, as they are stored in checkpoints and feature caches.
#ifndef ATTEND_BASE_HALF_H_
#define ATTEND_BASE_HALF_H_

#include <cstdint>
#include <span>

namespace attend {

/// Nearest half to `x`, ties to even; overflow becomes infinity, NaN stays NaN.
uint16_t float_to_half(float x);
float half_to_float(uint16_t h);

/// Nearest bfloat16 to `x`, ties to even; NaN stays NaN.
uint16_t float_to_bfloat16(float x);
float bfloat16_to_float(uint16_t b);

/// Element by element over arrays of equal length.
void halves_to_floats(std::span<const uint16_t> halves, std::span<float> floats);
void floats_to_halves(std::span<const float> floats, std::span<uint16_t> halves);

}  // namespace attend

#endif  // ATTEND_BASE_HALF_H_
