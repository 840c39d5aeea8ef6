#include "nn/call_attention.h"

#include <algorithm>
#include <limits>

namespace attend {
namespace {

template <class T>
void fill_rows_with_nan(const MutableTensorView& view) {
  for (int64_t b = 0; b < view.shape[0]; ++b) {
    for (int64_t h = 0; h < view.shape[1]; ++h) {
      for (int64_t r = 0; r < view.shape[2]; ++r) {
        T* row = static_cast<T*>(view.data) + b * view.stride[0] + h * view.stride[1] + r * view.stride[2];
        std::fill_n(row, view.shape[3], std::numeric_limits<T>::quiet_NaN());
      }
    }
  }
}

/// Layers compute in float and double.
void fill_with_nan(const MutableTensorView& view) {
  if (!view.present()) return;
  if (view.dtype == DType::kFloat64) {
    fill_rows_with_nan<double>(view);
  } else {
    fill_rows_with_nan<float>(view);
  }
}

}  // namespace

void call_attention(const AttentionTensors& tensors, const AttentionOptions& options,
                    const AttentionResources& resources) {
  if (attention(tensors, options, resources).ok()) return;
  for (const MutableTensorView& written : {tensors.output, tensors.lse, tensors.weights})
    fill_with_nan(written);
}

void call_attention(const AttentionTensors& tensors, const AttentionOptions& options, Pass& pass) {
  const Arena::Mark mark(pass.arena);
  const size_t bytes = attention_scratch_bytes(tensors, options, pass.executor.workers()).value_or(0);
  const std::span<std::byte> scratch = pass.arena.array<std::byte>(static_cast<int64_t>(bytes));
  call_attention(tensors, options, AttentionResources(pass.executor, scratch));
}

void call_attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                             const AttentionResources& resources) {
  if (attention_backward(tensors, options, resources).ok()) return;
  for (const MutableTensorView& written :
       {tensors.query_gradient, tensors.key_gradient, tensors.value_gradient})
    fill_with_nan(written);
}

}  // namespace attend
