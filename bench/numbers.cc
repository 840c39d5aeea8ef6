#include "numbers.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/half.h"
#include "base/random.h"

namespace attend::bench {
namespace {

std::span<uint16_t> halves(const AlignedBytes& memory, int64_t count) {
  return {reinterpret_cast<uint16_t*>(memory.get()), static_cast<size_t>(count)};
}

}  // namespace

void require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

std::optional<DType> dtype_from_name(const std::string& name) {
  if (name == "float32") return DType::kFloat32;
  if (name == "bfloat16") return DType::kBFloat16;
  if (name == "float16") return DType::kFloat16;
  if (name == "int8") return DType::kInt8;
  return std::nullopt;
}

Numbers::Numbers(const Shape& shape, DType dtype) : shape_(shape), dtype_(dtype) {
  const size_t bytes = static_cast<size_t>(count()) * size_of(dtype);
  memory_ = allocate_aligned(bytes);
  std::memset(memory_.get(), 0, bytes);
}

Numbers Numbers::normal(const Shape& shape, uint64_t seed) {
  Numbers numbers(shape);
  const RandomKey key(seed);
  for (int64_t i = 0; i < numbers.count(); ++i)
    numbers.floats()[i] = static_cast<float>(key.normal(static_cast<uint64_t>(i)));
  return numbers;
}

Result<Numbers> Numbers::read(const Safetensors& file, const std::string& name, DType dtype) {
  const Result<std::vector<int64_t>> shape = file.shape(name);
  if (!shape.ok()) return shape.status();
  const std::vector<int64_t>& axes = shape.value();
  if (axes.size() != 4) {
    return Status(StatusCode::kCorrupt,
                  file.name() + ": " + name + " has " + std::to_string(axes.size()) + " axes, not 4");
  }
  Numbers numbers({axes[0], axes[1], axes[2], axes[3]}, dtype);
  if (dtype == DType::kBool) {
    const CheckpointTensor& tensor = file.tensors().at(name);
    if (tensor.dtype != "BOOL")
      return Status(StatusCode::kCorrupt, file.name() + ": " + name + " is " + tensor.dtype + ", not BOOL");
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), numbers.memory_.get());
    return numbers;
  }
  if (dtype == DType::kFloat32) {
    ATTEND_RETURN_IF_ERROR(file.read(name, axes, {numbers.floats(), static_cast<size_t>(numbers.count())}));
    return numbers;
  }
  if (dtype != DType::kBFloat16 && dtype != DType::kFloat16)
    return Status(StatusCode::kUnsupported, name + ": there are no numbers of that type to compute on");
  std::vector<float> values(static_cast<size_t>(numbers.count()));
  ATTEND_RETURN_IF_ERROR(file.read(name, axes, values));
  numbers.round_from(values);
  return numbers;
}

MutableTensorView Numbers::view() const {
  return present() ? MutableTensorView(memory_.get(), dtype_, shape_, dense_strides(shape_))
                   : MutableTensorView();
}

void Numbers::round_from(const std::vector<float>& values) {
  const std::span<uint16_t> rounded = halves(memory_, count());
  if (dtype_ == DType::kFloat16) {
    floats_to_halves(values, rounded);
  } else {
    std::transform(values.begin(), values.end(), rounded.begin(), float_to_bfloat16);
  }
}

std::vector<float> Numbers::widened() const {
  if (dtype_ == DType::kFloat32) return {floats(), floats() + count()};
  std::vector<float> values(static_cast<size_t>(count()));
  const std::span<const uint16_t> rounded = halves(memory_, count());
  if (dtype_ == DType::kFloat16) {
    halves_to_floats(rounded, values);
  } else {
    std::transform(rounded.begin(), rounded.end(), values.begin(), bfloat16_to_float);
  }
  return values;
}

}  // namespace attend::bench
