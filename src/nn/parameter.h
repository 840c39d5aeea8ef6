// What is learned: a named matrix, its gradient, and how it starts.
#ifndef ATTEND_NN_PARAMETER_H_
#define ATTEND_NN_PARAMETER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/matrix.h"

namespace attend {

/// How a parameter's values are drawn before training.
struct Initial {
  enum class Rule { kZeros, kOnes, kNormal, kUniform } rule = Rule::kZeros;
  double spread = 0;  // standard deviation of kNormal; half width of kUniform

  static Initial zeros() { return {Rule::kZeros, 0}; }
  static Initial ones() { return {Rule::kOnes, 0}; }
  static Initial normal(double deviation) { return {Rule::kNormal, deviation}; }
  /// Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio 2010).
  static Initial glorot(int64_t in, int64_t out);
};

/// A learned matrix [rows, cols]; vectors are [1, cols]. Memory for the gradient is taken on first use, so
/// that inference pays nothing for it.
template <class T>
class Parameter {
 public:
  /// Decay says whether AdamW's weight decay applies: to matrices that multiply, not to biases, gains or
  /// positions.
  enum class Decay { kNo, kYes };

  Parameter(std::string name, int64_t rows, int64_t cols, Initial initial, Decay decay);

  const std::string& name() const { return name_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t size() const { return rows_ * cols_; }
  bool decays() const { return decay_ == Decay::kYes; }
  const Initial& initial() const { return initial_; }
  /// [cols] for a vector, [rows, cols] for a matrix: the shape in a checkpoint.
  std::vector<int64_t> shape() const;

  Matrix<T> value() { return {value_data(), rows_, cols_}; }
  ConstMatrix<T> value() const { return {const_cast<Parameter*>(this)->value_data(), rows_, cols_}; }
  /// Zeros until something is accumulated into it.
  Matrix<T> gradient();

 private:
  T* value_data() { return reinterpret_cast<T*>(value_.get()); }

  std::string name_;
  int64_t rows_, cols_;
  Initial initial_;
  Decay decay_;
  AlignedBytes value_, gradient_;
};

template <class T>
using ParameterList = std::vector<Parameter<T>*>;

/// Draws every parameter by its rule; the numbers depend on the seed and the parameter's name alone, and are
/// the same (rounded) for float and double.
template <class T>
void initialize(const ParameterList<T>& parameters, uint64_t seed);

template <class T>
void zero_gradients(const ParameterList<T>& parameters);

}  // namespace attend

#endif  // ATTEND_NN_PARAMETER_H_
