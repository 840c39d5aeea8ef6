#include "published/weight_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "checkpoint/safetensors_header.h"

namespace attend {
namespace {

std::optional<WeightType> stored_type(const std::string& dtype) {
  if (dtype == "F32") return WeightType::kFloat32;
  if (dtype == "F16") return WeightType::kFloat16;
  if (dtype == "BF16") return WeightType::kBFloat16;
  return std::nullopt;
}

/// Whether numbers of `size` bytes can be read where they lie.
bool is_aligned(const std::byte* numbers, size_t size) {
  return reinterpret_cast<uintptr_t>(numbers) % size == 0;
}

/// Sums in blocks of rows, each by one worker, added up in order.
RoundingError error_of(const WeightMatrix& exact, const WeightMatrix& rounded, Executor& executor) {
  constexpr int64_t kRows = 64;
  const int64_t blocks = (exact.rows() + kRows - 1) / kRows;
  std::vector<RoundingError> parts(static_cast<size_t>(blocks));
  executor.for_each(blocks, [&](int64_t block, int) {
    std::vector<float> a(static_cast<size_t>(exact.cols())), b(a.size());
    RoundingError& sum = parts[static_cast<size_t>(block)];
    for (int64_t r = block * kRows; r < std::min((block + 1) * kRows, exact.rows()); ++r) {
      exact.widen(r, 1, a.data());
      rounded.widen(r, 1, b.data());
      for (size_t i = 0; i < a.size(); ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum.difference += difference * difference;
        sum.size += static_cast<double>(a[i]) * static_cast<double>(a[i]);
      }
    }
  });
  RoundingError total;
  for (const RoundingError& part : parts) {
    total.difference += part.difference;
    total.size += part.size;
  }
  return total;
}

}  // namespace

double RoundingError::relative() const {
  return size > 0 ? std::sqrt(difference / size) : 0.0;
}

WeightReader::WeightReader(const CheckpointFolder& folder, std::optional<WeightType> rounded,
                           Executor& executor)
    : folder_(folder), rounded_(rounded), executor_(executor) {}

void WeightReader::complain(const std::string& file, const std::string& what) {
  if (status_.ok()) status_ = {StatusCode::kCorrupt, file + ": " + what};
}

const CheckpointFolder::Tensor* WeightReader::find(const std::string& name,
                                                   const std::vector<int64_t>& shape) {
  const auto found = folder_.tensors().find(name);
  if (found == folder_.tensors().end()) {
    complain(folder_.path(), "no tensor " + quote_name(name));
    return nullptr;
  }
  const CheckpointFolder::Tensor& tensor = found->second;
  if (tensor.stored->shape != shape) {
    complain(tensor.file->name(),
             fmt::format("tensor {} has shape [{}] where config.json asks for [{}]", quote_name(name),
                         fmt::join(tensor.stored->shape, ", "), fmt::join(shape, ", ")));
    return nullptr;
  }
  if (!stored_type(tensor.stored->dtype)) {
    complain(tensor.file->name(), fmt::format("tensor {} has type {} where F32, F16 or BF16 is needed",
                                              quote_name(name), tensor.stored->dtype));
    return nullptr;
  }
  if (read_.insert(name).second) {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    numbers_ += count;
  }
  return &tensor;
}

WeightMatrix WeightReader::keep(const std::string& name, WeightMatrix matrix,
                                const CheckpointFolder::Tensor& tensor) {
  if (rounded_ && weight_size(*rounded_) < weight_size(matrix.type())) {
    const WeightMatrix rounded = matrix.rounded(*rounded_, executor_);
    const RoundingError error = error_of(matrix, rounded, executor_);
    if (!std::isfinite(error.size)) complain_of_infinite(name);
    error_.difference += error.difference;
    error_.size += error.size;
    matrix = rounded;
  }
  if (matrix.row(0) != tensor.stored->bytes.data()) tensor.file->release(*tensor.stored);
  held_bytes_ += matrix.bytes();
  return matrix;
}

WeightMatrix WeightReader::matrix(const std::string& name, int64_t rows, int64_t cols) {
  return weights(name, rows, {.in = cols});
}

WordMatrices WeightReader::words(const WordNames& names, int64_t vocabulary, int64_t width, bool tied) {
  const std::string words = place(names.words, names.output, tied && has(names.output));
  const std::string output = place(names.output, words, tied);
  const WeightMatrix matrix = this->matrix(words, vocabulary, width);
  return {matrix, output == words ? matrix : this->matrix(output, vocabulary, width)};
}

WeightMatrix WeightReader::weights(const std::string& name, int64_t out, const LayerForm& form) {
  const bool by_rows = form.order == WeightMatrix::Order::kRows;
  std::vector<int64_t> shape = form.shape;
  if (shape.empty()) shape = by_rows ? std::vector{out, form.in} : std::vector{form.in, out};
  const CheckpointFolder::Tensor* tensor = find(name, shape);
  if (tensor == nullptr) return {};
  const WeightType type = *stored_type(tensor->stored->dtype);
  const std::byte* const numbers = tensor->stored->bytes.data();
  const bool in_place = by_rows && is_aligned(numbers, weight_size(type));
  return keep(name,
              in_place ? WeightMatrix::borrow(type, numbers, out, form.in, tensor->file)
                       : WeightMatrix::copy(type, numbers, out, form.in, form.order, executor_),
              *tensor);
}

std::vector<float> WeightReader::vector(const std::string& name, const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  const CheckpointFolder::Tensor* tensor = find(name, shape);
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(count));
  if (Status read = tensor->file->read(name, shape, values); !read.ok() && status_.ok()) status_ = read;
  if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) complain_of_infinite(name);
  held_bytes_ += values.size() * sizeof(float);
  return values;
}

void WeightReader::complain_of_infinite(const std::string& name) {
  complain(folder_.path(), "tensor " + quote_name(name) + " holds a number that is not finite");
}

StoredLinear WeightReader::linear(const std::string& name, const LayerForm& form) {
  return std::move(linears(name, form, 1).front());
}

std::vector<StoredLinear> WeightReader::linears(const std::string& name, const LayerForm& form, int count) {
  const std::string tensor = name + ".weight";
  const WeightMatrix all = weights(tensor, count * form.out, form);
  const std::vector<float> bias =
      form.biased ? vector(name + ".bias", {count * form.out}) : std::vector<float>();
  std::vector<StoredLinear> layers(static_cast<size_t>(count));
  if (!status_.ok()) return layers;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<float> own;
    if (form.biased) own.assign(bias.begin() + i * form.out, bias.begin() + (i + 1) * form.out);
    layers[static_cast<size_t>(i)] = {all.slice(i * form.out, form.out), std::move(own), form.rows};
  }
  if (!layers.front().packed()) return layers;
  if (layers.front().weights().size() > 0) {
    held_bytes_ += all.bytes();
  } else {  // copied: the tensor's part of the file may leave memory
    const CheckpointFolder::Tensor& copied = folder_.tensors().at(tensor);
    copied.file->release(*copied.stored);
  }
  return layers;
}

LayerNorm<float> WeightReader::norm(const std::string& name, int64_t width, double epsilon) {
  LayerNorm<float> norm(name, status_.ok() ? width : 1, epsilon);
  const std::vector<float> gain = vector(name + ".weight", {width}), bias = vector(name + ".bias", {width});
  if (!status_.ok()) return norm;
  std::ranges::copy(gain, norm.gain.value().data);
  std::ranges::copy(bias, norm.bias.value().data);
  return norm;
}

Status WeightReader::finish() {
  for (const auto& [name, tensor] : folder_.tensors()) {
    const bool ignored = std::ranges::any_of(
        ignored_, [&name = name](const std::string& ending) { return name.ends_with(ending); });
    if (ignored || read_.contains(name)) continue;
    complain(tensor.file->name(), "tensor " + quote_name(name) + " is no part of this kind of model");
  }
  return status_;
}

}  // namespace attend
