// One attention problem of the benchmark: its operands, its results, and the three ways to compute them.
#ifndef ATTEND_BENCH_ATTENTION_WORK_H_
#define ATTEND_BENCH_ATTENTION_WORK_H_

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "attend/attention.h"
#include "checkpoint/safetensors.h"
#include "numbers.h"
#include "unfused_attention.h"

namespace attend::bench {

/// What is computed on the tensors of a file, apart from what is in the file.
struct AttentionProblem {
  DType dtype = DType::kFloat32;            // what query, key, value and output_gradient are rounded to
  AttentionOptions options;                 // its tensors are the file's
  std::set<std::string> results = {"lse"};  // of lse, weights, head_mean, column_sums and bias_gradient
};

class AttentionWork {
 public:
  /// From the tensors query, key, value and output_gradient, and of mask, bias and alibi_slopes those that
  /// are there. Errors: those of Numbers::read; kInvalidArgument for a result that is not known.
  static Result<std::unique_ptr<AttentionWork>> read(const Safetensors& data, AttentionProblem problem);

  std::string explain() const { return attend::explain(forward_, problem_.options).value_or({}); }
  size_t scratch_bytes(int workers) const {
    return attention_scratch_bytes(forward_, problem_.options, workers).value_or(0);
  }
  size_t backward_scratch_bytes(int workers) const {
    return attention_backward_scratch_bytes(backward_, problem_.options, workers).value_or(0);
  }

  Status forward(Executor& executor) { return attention(forward_, problem_.options, executor); }
  Status backward(Executor& executor) { return attention_backward(backward_, problem_.options, executor); }
  /// Product, softmax, product, by oneDNN. kUnsupported for what it cannot do in three primitives.
  Status unfused();

  /// All results that there are, as they are now, in float32: output, query_gradient, key_gradient,
  /// value_gradient, those that were asked for, and unfused.
  Status write(const std::string& path) const;

 private:
  Status read_operands(const Safetensors& data);
  void make_results();
  void connect();

  AttentionProblem problem_;
  Numbers query_, key_, value_, output_gradient_, mask_, bias_, alibi_slopes_;
  Numbers output_, lse_, weights_, head_mean_, column_sums_;
  Numbers query_gradient_, key_gradient_, value_gradient_, bias_gradient_, unfused_output_;
  AttentionTensors forward_;
  AttentionGradientTensors backward_;
  std::unique_ptr<UnfusedAttention> unfused_;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_ATTENTION_WORK_H_
