// Cases of attention_case.h in 16 bits.
#ifndef ATTEND_TESTS_ATTENTION_NARROW_CASE_H_
#define ATTEND_TESTS_ATTENTION_NARROW_CASE_H_

#include <cstdint>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"

namespace attend {

/// Nearest bfloat16 or float16, as bits, and back.
uint16_t narrow(float x, DType dtype);
float widen(uint16_t x, DType dtype);

/// A tensor of 16-bit numbers with a gap of NaN after each row.
class NarrowTensor {
 public:
  NarrowTensor(const Shape& shape, DType dtype)
      : dtype_(dtype),
        shape_(shape),
        row_(shape[3] + 3),
        memory_(static_cast<size_t>(shape[0] * shape[1] * shape[2] * row_), uint16_t{0x7fff}) {}
  NarrowTensor(const PaddedTensor<float>& wide, DType dtype) : NarrowTensor(wide.shape(), dtype) {
    const std::vector<float> elements = wide.elements();
    for (size_t i = 0; i < elements.size(); ++i) memory_[place(i)] = narrow(elements[i], dtype);
  }

  MutableTensorView view() {
    return {memory_.data(), dtype_, shape_, {shape_[1] * shape_[2] * row_, shape_[2] * row_, row_, 1}};
  }
  TensorView view() const { return const_cast<NarrowTensor*>(this)->view(); }
  std::vector<double> elements() const {
    std::vector<double> all(static_cast<size_t>(shape_[0] * shape_[1] * shape_[2] * shape_[3]));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<double>(widen(memory_[place(i)], dtype_));
    return all;
  }
  bool gaps_are_whole() const {
    int64_t marks = 0;
    for (size_t i = 0; i < memory_.size(); ++i) {
      marks += static_cast<int64_t>(i) % row_ >= shape_[3] && memory_[i] == 0x7fff;
    }
    return marks == 3 * shape_[0] * shape_[1] * shape_[2];
  }

 private:
  size_t place(size_t i) const {
    const auto width = static_cast<size_t>(shape_[3]);
    return i / width * static_cast<size_t>(row_) + i % width;
  }

  DType dtype_;
  Shape shape_;
  int64_t row_;
  std::vector<uint16_t> memory_;
};

/// Rounds the operands of a case to the type, so that float64 is exact on what the 16-bit call is given.
void round_operands(AttentionCase& problem, DType dtype);

/// By attention() on operands of the type; fails the test on an error or a write outside the outputs.
ForwardAnswer forward_in(const AttentionCase& problem, DType dtype, Isa isa,
                         Executor& executor = serial_executor());

/// What attention() in 16 bits must write when it writes `wide` in float32: one rounding of the output.
ForwardAnswer rounded_once(ForwardAnswer wide, DType dtype);

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_NARROW_CASE_H_
