// Cases of tests/golden/nn.safetensors, which make_nn.py wrote, and of files like it.
#ifndef ATTEND_TESTS_NN_GOLDEN_H_
#define ATTEND_TESTS_NN_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors.h"
#include "nn/layer_testing.h"
#include "nn/parameter.h"

namespace attend::testing {

class Golden {
 public:
  explicit Golden(const std::string& name = "nn.safetensors")
      : file_(Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/" + name)) {
    EXPECT_TRUE(file_.ok()) << file_.status().message();
  }

  bool contains(const std::string& name) const { return file_.value().contains(name); }

  /// A float64 or float32 tensor as a matrix of T in `arena`; a vector becomes one row.
  template <class T>
  Matrix<T> matrix(const std::string& name, Arena& arena) const {
    if (!contains(name)) {
      ADD_FAILURE() << "no tensor " << name;
      return {};
    }
    const CheckpointTensor& tensor = file_.value().tensors().at(name);
    const bool narrow = tensor.dtype == "F32";
    EXPECT_TRUE(narrow || tensor.dtype == "F64") << name;
    const int64_t cols = tensor.shape.back();
    const int64_t rows = tensor.shape.size() == 1 ? 1 : tensor.shape.front();
    const Matrix<T> m = arena.matrix<T>(rows, cols);
    for (int64_t i = 0; i < m.size(); ++i) {
      m.data[i] = narrow ? element<float, T>(tensor, i) : element<double, T>(tensor, i);
    }
    return m;
  }

  template <class T>
  std::vector<int32_t> integers(const std::string& name, Arena& arena) const {
    std::vector<int32_t> numbers;
    for (const T value : matrix<T>(name, arena).values()) numbers.push_back(static_cast<int32_t>(value));
    return numbers;
  }

  /// Fills the parameters from the tensors of their names.
  template <class T>
  void load(const ParameterList<T>& parameters, Arena& arena) const {
    for (Parameter<T>* parameter : parameters) {
      const Matrix<T> value = matrix<T>(parameter->name(), arena);
      ASSERT_EQ(value.rows, parameter->rows()) << parameter->name();
      ASSERT_EQ(value.cols, parameter->cols()) << parameter->name();
      std::copy_n(value.data, value.size(), parameter->value().data);
    }
  }

  template <class T>
  void expect_gradients(const ParameterList<T>& parameters, double tolerance, Arena& arena) const {
    for (Parameter<T>* parameter : parameters) {
      const std::string name = parameter->name() + ".gradient";
      expect_near(parameter->gradient(), matrix<T>(name, arena), tolerance, name);
    }
  }

 private:
  template <class Stored, class T>
  static T element(const CheckpointTensor& tensor, int64_t i) {
    Stored value;
    std::memcpy(&value, tensor.bytes.data() + static_cast<size_t>(i) * sizeof(value), sizeof(value));
    return static_cast<T>(value);
  }

  Result<Safetensors> file_;
};

/// float agrees with PyTorch's float64 to float's precision over sums of tens of terms; double to its own.
template <class T>
constexpr double kGoldenTolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;

using BothTypes = ::testing::Types<float, double>;

}  // namespace attend::testing

#endif  // ATTEND_TESTS_NN_GOLDEN_H_
