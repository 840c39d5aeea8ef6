#include "nn/activation.h"

#include "nn/activation_kernels.h"
#include "nn/chunks.h"
#include "nn/row_kernels.h"

namespace attend {

std::optional<Activation> activation_named(std::string_view name) {
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "quick_gelu") return Activation::kGeluSigmoid;
  if (name == "relu") return Activation::kRelu;
  return std::nullopt;
}

void activate(Activation activation, Matrix<float> x, Pass& pass) {
  for_each_chunk(pass.executor, x.size(), kChunkElements, [&](int64_t first, int64_t count) {
    float* const part = x.data + first;
    switch (activation) {
      case Activation::kGelu:
        return kernels::gelu(part, part, count);
      case Activation::kGeluTanh:
        return kernels::gelu_tanh(part, count);
      case Activation::kGeluSigmoid:
        return kernels::gelu_sigmoid(part, count);
      case Activation::kRelu:
        return kernels::relu(part, count);
    }
  });
}

}  // namespace attend
