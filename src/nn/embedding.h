// Rows of a table, looked up by number; the transpose of that in backward; and the same table as an output
// layer.
#ifndef ATTEND_NN_EMBEDDING_H_
#define ATTEND_NN_EMBEDDING_H_

#include <cstdint>
#include <span>
#include <string>

#include "nn/parameter.h"
#include "nn/pass.h"

namespace attend {

template <class T>
class Embedding {
 public:
  Embedding(const std::string& name, int64_t count, int64_t width, double deviation);

  /// ids [rows], each in [0, count) -> [rows, width]
  Matrix<T> forward(std::span<const int32_t> ids, Pass& pass) const;
  /// Adds each row of dy [rows, width] to its id's row of the gradient, in the order of rows.
  void backward(std::span<const int32_t> ids, ConstMatrix<T> dy, Pass& pass);

  /// The tied output layer (Press and Wolf 2017): x [rows, width] -> logits [rows, count].
  Matrix<T> logits(ConstMatrix<T> x, Pass& pass) const;
  /// dlogits [rows, count] -> dx [rows, width]; adds to the table's gradient.
  Matrix<T> logits_backward(ConstMatrix<T> x, ConstMatrix<T> dlogits, Pass& pass);

  void collect(ParameterList<T>& list);

  Parameter<T> table;  // [count, width], "NAME.weight"
};

}  // namespace attend

#endif  // ATTEND_NN_EMBEDDING_H_
