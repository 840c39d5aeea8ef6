#include "decode/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attend {

float quantize_row(const float* x, int64_t count, int8_t* q) {
  float largest = 0, check = 0;
  for (int64_t d = 0; d < count; ++d) {
    largest = std::max(largest, std::abs(x[d]));
    check += x[d] * 0.0f;  // NaN once x is NaN or infinite
  }
  if (check != 0 || largest < 0x1p-100f) {
    std::fill_n(q, count, int8_t{0});
    return check != 0 ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
  }
  const float inverse = 127.0f / largest;
  for (int64_t d = 0; d < count; ++d) q[d] = static_cast<int8_t>(std::lrint(x[d] * inverse));
  return largest / 127.0f;
}

}  // namespace attend
