// One attention problem of the benchmark: its operands, its results, and the three ways to compute them.
#ifndef ATTEND_BENCH_ATTENTION_WORK_H_
#define ATTEND_BENCH_ATTENTION_WORK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "attend/attention.h"
#include "base/arena.h"
#include "checkpoint/safetensors.h"
#include "unfused_attention.h"

namespace attend::bench {

class AttentionWork {
 public:
  /// From the tensors query, key, value and output_gradient. Errors: those of Safetensors, kCorrupt for a
  /// tensor that has not four axes.
  static Result<std::unique_ptr<AttentionWork>> read(const Safetensors& data, Causal causal);

  std::string explain() const { return attend::explain(forward_, options_); }
  size_t scratch_bytes(int workers) const { return attention_scratch_bytes(forward_, options_, workers); }
  size_t backward_scratch_bytes(int workers) const {
    return attention_backward_scratch_bytes(backward_, options_, workers);
  }

  Status forward(Executor& executor) { return attention(forward_, options_, executor); }
  Status backward(Executor& executor) { return attention_backward(backward_, options_, executor); }
  /// Product, softmax, product, by oneDNN. kUnsupported for what it cannot do in three primitives.
  Status unfused();

  /// output, lse, query_gradient, key_gradient, value_gradient and unfused, as they are now.
  Status write(const std::string& path) const;

 private:
  struct Numbers {
    Shape shape{};
    AlignedBytes memory;  // lines of its own, as an arena's arrays have

    explicit Numbers(const Shape& shape);
    Numbers() = default;
    int64_t size() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
    float* data() const { return reinterpret_cast<float*>(memory.get()); }
    MutableTensorView view() const { return {data(), shape}; }
  };

  static Result<Numbers> read_tensor(const Safetensors& data, const std::string& name);
  void connect();

  Numbers query_, key_, value_, output_gradient_;
  Numbers output_, lse_, query_gradient_, key_gradient_, value_gradient_, unfused_output_;
  AttentionOptions options_;
  AttentionTensors forward_;
  AttentionGradientTensors backward_;
  std::unique_ptr<UnfusedAttention> unfused_;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_ATTENTION_WORK_H_
