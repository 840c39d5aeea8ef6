// Tensors for the benchmarks to compute on, with memory of their own.
#ifndef ATTEND_BENCH_NUMBERS_H_
#define ATTEND_BENCH_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "attend/tensor.h"
#include "base/arena.h"
#include "checkpoint/safetensors.h"

namespace attend::bench {

/// Ends the program with the status's message on standard error, unless it is ok: for programs that measure a
/// fixed list of cases, of which none should fail.
void require(const Status& status);

/// float32, bfloat16, float16 or int8 by its name.
std::optional<DType> dtype_from_name(const std::string& name);

/// A dense tensor, aligned to cache lines as an arena's arrays are.
class Numbers {
 public:
  Numbers() = default;  // absent, as a default-constructed view is
  /// Zeros, written, so that the first call does not pay for the system's handing out pages.
  explicit Numbers(const Shape& shape, DType dtype = DType::kFloat32);

  /// Standard normal numbers, the same for the same seed.
  static Numbers normal(const Shape& shape, uint64_t seed);

  /// The tensor `name` of `file`, which has four axes, rounded to `dtype`: float32, bfloat16, float16, or
  /// kBool from a boolean tensor. Errors: those of Safetensors; kCorrupt for other axes, kUnsupported for
  /// another type.
  static Result<Numbers> read(const Safetensors& file, const std::string& name, DType dtype);

  bool present() const { return memory_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  int64_t count() const { return shape_[0] * shape_[1] * shape_[2] * shape_[3]; }
  MutableTensorView view() const;  // absent where the numbers are

  float* floats() const { return reinterpret_cast<float*>(memory_.get()); }
  /// Copies, widened from float32, bfloat16 or float16.
  std::vector<float> widened() const;

 private:
  void round_from(const std::vector<float>& values);

  Shape shape_ = {};
  DType dtype_ = DType::kFloat32;
  AlignedBytes memory_;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_NUMBERS_H_
