// The tensors of a published checkpoint, each read once under its name and with its due shape.
#ifndef ATTEND_PUBLISHED_WEIGHT_READER_H_
#define ATTEND_PUBLISHED_WEIGHT_READER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "attend/status.h"
#include "checkpoint/checkpoint_folder.h"
#include "nn/layer_norm.h"
#include "nn/stored_linear.h"

namespace attend {

/// How far rounding moved the weights: the root of sum (w - w')^2 / sum w^2 over all that were rounded.
struct RoundingError {
  double difference = 0, size = 0;  // sums of squares
  double relative() const;
};

/// What a linear layer is made of, and for.
struct LayerForm {
  int64_t in = 0, out = 0;
  Rows rows = Rows::kFew;
  bool biased = true;
  WeightMatrix::Order order = WeightMatrix::Order::kRows;  // [out, in], or [in, out] as GPT-2's are stored
  std::vector<int64_t> shape = {};  // of the tensor, where it has other axes than those
};

/// What words are read as, and what scores the next one: one matrix where the two are tied.
struct WordMatrices {
  WeightMatrix words, output;
};
struct WordNames {
  std::string words, output;
};

/// Reads on after a failure, giving empty matrices of the due shape; the first failure is status(). Matrices
/// are used in place where the file has them as they are needed, and rounded to `rounded` if that is given
/// and they are stored wider; vectors are widened. Numbers of vectors, and those that are rounded, must be
/// finite.
class WeightReader {
 public:
  WeightReader(const CheckpointFolder& folder, std::optional<WeightType> rounded, Executor& executor);

  bool has(const std::string& name) const { return folder_.tensors().contains(name); }
  /// `name`, or its twin where the two are one tensor and the file does not have it under `name`. A file that
  /// has both keeps both, whatever is said of them.
  std::string place(const std::string& name, const std::string& twin, bool tied) const {
    return tied && !has(name) ? twin : name;
  }

  /// A tensor [rows, cols].
  WeightMatrix matrix(const std::string& name, int64_t rows, int64_t cols);
  std::vector<float> vector(const std::string& name, const std::vector<int64_t>& shape);
  /// Two of them [vocabulary, width], or one that is both if they are `tied` and the file has no other.
  WordMatrices words(const WordNames& names, int64_t vocabulary, int64_t width, bool tied);

  /// "NAME.weight" and "NAME.bias" [out].
  StoredLinear linear(const std::string& name, const LayerForm& form);
  /// Layers of one form that lie in one tensor, each after the other's outputs.
  std::vector<StoredLinear> linears(const std::string& name, const LayerForm& form, int count);
  /// "NAME.weight" and "NAME.bias" [width].
  LayerNorm<float> norm(const std::string& name, int64_t width, double epsilon);

  /// Tensors that need not be read: this one, and names that end in one of these.
  void ignore(const std::string& name) { read_.insert(name); }
  void ignore_endings(std::vector<std::string> endings) { ignored_ = std::move(endings); }
  /// Complains of a tensor that nobody read.
  Status finish();
  const Status& status() const { return status_; }

  const RoundingError& rounding_error() const { return error_; }
  /// Bytes of the matrices as they are held, copies for other products too, and the numbers in all that was
  /// read.
  size_t held_bytes() const { return held_bytes_; }
  int64_t numbers() const { return numbers_; }

 private:
  const CheckpointFolder::Tensor* find(const std::string& name, const std::vector<int64_t>& shape);
  /// Of layers of this form with `out` outputs together.
  WeightMatrix weights(const std::string& name, int64_t out, const LayerForm& form);
  WeightMatrix keep(const std::string& name, WeightMatrix matrix, const CheckpointFolder::Tensor& tensor);
  void complain_of_infinite(const std::string& name);
  void complain(const std::string& file, const std::string& what);

  const CheckpointFolder& folder_;
  const std::optional<WeightType> rounded_;
  Executor& executor_;
  std::set<std::string> read_;
  std::vector<std::string> ignored_;
  Status status_;
  RoundingError error_;
  size_t held_bytes_ = 0;
  int64_t numbers_ = 0;
};

}  // namespace attend

#endif  // ATTEND_PUBLISHED_WEIGHT_READER_H_
