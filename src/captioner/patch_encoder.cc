#include "captioner/patch_encoder.h"

#include <cassert>

#include "nn/residual.h"

namespace attend {
namespace {

/// The spread of fresh locations: a tenth of the patch vectors that they are added to, which layer norm has
/// scaled to a deviation of 1.
constexpr double kLocationDeviation = 0.1;

/// x[p] += rows[r] + columns[c] for the patch p = (photo, r, c).
template <class T>
void add_location(Matrix<T> x, ConstMatrix<T> rows, ConstMatrix<T> columns) {
  const int64_t grid = rows.rows;
  for (int64_t p = 0; p < x.rows; ++p) {
    const T* row = rows.row(p / grid % grid).data();
    const T* column = columns.row(p % grid).data();
    T* patch = x.row(p).data();
    for (int64_t i = 0; i < x.cols; ++i) patch[i] += row[i] + column[i];
  }
}

/// The transpose of add_location: every patch's gradient reaches its row's and its column's entry.
template <class T>
void add_location_gradient(ConstMatrix<T> dx, Matrix<T> drows, Matrix<T> dcolumns) {
  const int64_t grid = drows.rows;
  for (int64_t p = 0; p < dx.rows; ++p) {
    T* row = drows.row(p / grid % grid).data();
    T* column = dcolumns.row(p % grid).data();
    const T* patch = dx.row(p).data();
    for (int64_t i = 0; i < dx.cols; ++i) {
      row[i] += patch[i];
      column[i] += patch[i];
    }
  }
}

}  // namespace

template <class T>
PatchEncoder<T>::PatchEncoder(const std::string& name, const PatchEncoderShape& shape)
    : shape_(shape),
      project_(name + ".project", shape.features, shape.block.width),
      norm_in_(name + ".norm_in", shape.block.width),
      norm_out_(name + ".norm_out", shape.block.width),
      rows_(name + ".rows", shape.grid, shape.block.width, Initial::normal(kLocationDeviation),
            Parameter<T>::Decay::kNo),
      columns_(name + ".columns", shape.grid, shape.block.width, Initial::normal(kLocationDeviation),
               Parameter<T>::Decay::kNo),
      dropout_(shape.feature_dropout) {
  blocks_.reserve(static_cast<size_t>(shape.layers));
  for (int i = 0; i < shape.layers; ++i) {
    blocks_.emplace_back(name + ".blocks." + std::to_string(i), shape.block);
  }
}

template <class T>
typename PatchEncoder<T>::Output PatchEncoder<T>::forward(ConstMatrix<T> features, Pass& pass,
                                                          Activations* activations) const {
  assert(features.rows % patches() == 0 && features.cols == shape_.features);
  const std::span<int64_t> offsets = pass.arena.array<int64_t>(features.rows / patches() + 1);
  for (size_t photo = 0; photo < offsets.size(); ++photo) {
    offsets[photo] = static_cast<int64_t>(photo) * patches();
  }
  Matrix<T> x = norm_in_.forward(project_.forward(features, pass), pass,
                                 activations ? &activations->norm_in : nullptr);  // [photos * patches, width]
  const Dropout::Activations dropout = dropout_.forward(x, pass);
  if (activations) {
    activations->features = features;
    activations->dropout = dropout;
    activations->blocks.resize(blocks_.size());
  }
  add_location<T>(x, rows_.value(), columns_.value());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i].forward(x, offsets, Causal::kNone, pass, activations ? &activations->blocks[i] : nullptr);
  }
  const Matrix<T> seen = norm_out_.forward(x, pass, activations ? &activations->norm_out : nullptr);
  const Matrix<T> located = copy<T>(seen, pass);
  add_location<T>(located, rows_.value(), columns_.value());
  return {seen, located, offsets};
}

template <class T>
void PatchEncoder<T>::backward(const Activations& activations, ConstMatrix<T> dkey_input,
                               ConstMatrix<T> dvalue_input, Pass& pass) {
  add_location_gradient<T>(dvalue_input, rows_.gradient(), columns_.gradient());
  const Matrix<T> dseen = copy<T>(dkey_input, pass);
  add_to<T>(dseen, dvalue_input, pass);
  Matrix<T> dx = norm_out_.backward(activations.norm_out, dseen, pass);
  for (size_t i = blocks_.size(); i-- > 0;) dx = blocks_[i].backward(activations.blocks[i], dx, pass);
  add_location_gradient<T>(dx, rows_.gradient(), columns_.gradient());
  dropout_.backward(activations.dropout, dx, pass);
  project_.backward_parameters(activations.features, norm_in_.backward(activations.norm_in, dx, pass), pass);
}

template <class T>
void PatchEncoder<T>::collect(ParameterList<T>& list) {
  project_.collect(list);
  norm_in_.collect(list);
  list.push_back(&rows_);
  list.push_back(&columns_);
  for (EncoderBlock<T>& block : blocks_) block.collect(list);
  norm_out_.collect(list);
}

template class PatchEncoder<float>;
template class PatchEncoder<double>;

}  // namespace attend
