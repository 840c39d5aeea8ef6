#include "decode/float_rows.h"

#include <algorithm>
#include <cassert>

#include "base/half.h"

namespace attend {

void read_floats(const void* from, DType dtype, int64_t count, float* to) {
  const auto* words = static_cast<const uint16_t*>(from);
  switch (dtype) {
    case DType::kFloat32:
      std::copy_n(static_cast<const float*>(from), count, to);
      return;
    case DType::kBFloat16:
      std::transform(words, words + count, to, bfloat16_to_float);
      return;
    case DType::kFloat16:
      std::transform(words, words + count, to, half_to_float);
      return;
    case DType::kInt8:
      std::copy_n(static_cast<const int8_t*>(from), count, to);
      return;
    case DType::kFloat64:
    case DType::kBool:
      assert(false);
  }
}

void write_floats(const float* from, int64_t count, DType dtype, void* to) {
  auto* words = static_cast<uint16_t*>(to);
  switch (dtype) {
    case DType::kFloat32:
      std::copy_n(from, count, static_cast<float*>(to));
      return;
    case DType::kBFloat16:
      std::transform(from, from + count, words, float_to_bfloat16);
      return;
    case DType::kFloat16:
      std::transform(from, from + count, words, float_to_half);
      return;
    case DType::kFloat64:
    case DType::kInt8:
    case DType::kBool:
      assert(false);
  }
}

}  // namespace attend
