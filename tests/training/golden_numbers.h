// Numbers of tests/golden/training.safetensors and captioner.safetensors.
#ifndef ATTEND_TESTS_TRAINING_GOLDEN_NUMBERS_H_
#define ATTEND_TESTS_TRAINING_GOLDEN_NUMBERS_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace attend {

class GoldenNumbers {
 public:
  explicit GoldenNumbers(const std::string& file)
      : file_(Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/" + file)) {
    EXPECT_TRUE(file_.ok()) << file_.status().message();
  }

  /// A float64 tensor, row-major; it must have `count` numbers unless that is 0.
  std::vector<double> operator()(const std::string& name, size_t count = 0) const {
    const CheckpointTensor& tensor = file_.value().tensors().at(name);
    EXPECT_EQ(tensor.dtype, "F64") << name;
    std::vector<double> numbers(tensor.bytes.size() / sizeof(double));
    std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    EXPECT_TRUE(count == 0 || numbers.size() == count) << name;
    return numbers;
  }
  template <class T>
  std::vector<T> as(const std::string& name) const {
    std::vector<T> numbers;
    for (const double x : (*this)(name)) numbers.push_back(static_cast<T>(x));
    return numbers;
  }

 private:
  Result<Safetensors> file_;
};

}  // namespace attend

#endif  // ATTEND_TESTS_TRAINING_GOLDEN_NUMBERS_H_
