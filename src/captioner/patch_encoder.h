// From the patches that the photo's encoder saw to what the words will look at: keys made of what a patch
// looks like, values made of what is there and where it is.
#ifndef ATTEND_CAPTIONER_PATCH_ENCODER_H_
#define ATTEND_CAPTIONER_PATCH_ENCODER_H_

#include <string>
#include <vector>

#include "nn/transformer_block.h"

namespace attend {

struct PatchEncoderShape {
  int64_t features = 1280;  // width of the photo encoder's patch vectors
  int grid = 9;             // patches a side
  int layers = 1;
  BlockShape block;
  double feature_dropout = 0.0;
};

/// features -> linear -> layer norm -> + location -> encoder blocks -> norm. The location of the patch in row
/// r and column c is row_table[r] + column_table[c], both learned.
template <class T>
class PatchEncoder {
 public:
  PatchEncoder(const std::string& name, const PatchEncoderShape& shape);

  const PatchEncoderShape& shape() const { return shape_; }
  int64_t patches() const { return int64_t{shape_.grid} * shape_.grid; }

  struct Output {
    Matrix<T> key_input;    // [photos * patches, width]: what the patch looks like
    Matrix<T> value_input;  // [photos * patches, width]: the same, plus where it is
    Offsets offsets;        // one range of patches a photo; in the arena
  };
  struct Activations {
    ConstMatrix<T> features;  // [photos * patches, features]
    Dropout::Activations dropout;
    typename LayerNorm<T>::Activations norm_in, norm_out;
    std::vector<typename EncoderBlock<T>::Activations> blocks;
  };

  /// features [photos * patches, features], row by row of each photo's grid.
  Output forward(ConstMatrix<T> features, Pass& pass, Activations* activations) const;
  void backward(const Activations& activations, ConstMatrix<T> dkey_input, ConstMatrix<T> dvalue_input,
                Pass& pass);
  void collect(ParameterList<T>& list);

 private:
  PatchEncoderShape shape_;
  Linear<T> project_;                // "NAME.project"
  LayerNorm<T> norm_in_, norm_out_;  // "NAME.norm_in", "NAME.norm_out"
  Parameter<T> rows_, columns_;      // [grid, width], "NAME.rows", "NAME.columns"
  Dropout dropout_;
  std::vector<EncoderBlock<T>> blocks_;  // "NAME.blocks.N..."
};

}  // namespace attend

#endif  // ATTEND_CAPTIONER_PATCH_ENCODER_H_
