// Convolution, for inference: oneDNN's, with what follows it (residual addition, ReLU6) fused in.
//
// A Conv2d holds weights in the order that the machine likes; a Conv2dPlan is that convolution made ready for
// one input shape. Plans share the weights of their Conv2d and may outlive it.
#ifndef ATTEND_NN_CONV2D_H_
#define ATTEND_NN_CONV2D_H_

#include <cstdint>
#include <memory>
#include <span>

#include "attend/status.h"
#include "nn/image.h"

namespace attend {

enum class ConvolutionKind {
  kDense,      // every output channel reads every input channel; weights [out, in, kernel, kernel]
  kDepthwise,  // channel c reads channel c alone; weights [channels, 1, kernel, kernel]
};

struct Conv2dOptions {
  ConvolutionKind kind = ConvolutionKind::kDense;
  int64_t in_channels = 0;
  int64_t out_channels = 0;  // equal to in_channels when depthwise
  int64_t kernel = 1;
  int64_t stride = 1;
  bool relu6 = false;  // min(max(y, 0), 6) at the end
  bool accumulate =
      false;  // y is added to what the output already holds (a residual connection), before ReLU6
};

class Conv2dPlan;

/// y[n, i, j, o] = bias[o] + sum over u, v, c of weights[o, c, u, v] * x[n, i*stride + u - top, j*stride + v
/// - left, c], with zeros outside x. float32. Immutable, and safe to share between threads.
class Conv2d {
 public:
  /// Copies `weights` and `bias` [out_channels]. Errors: kInvalidArgument naming the axis and both numbers,
  /// kOutOfMemory.
  static Result<Conv2d> create(const Conv2dOptions& options, std::span<const float> weights,
                               std::span<const float> bias);

  const Conv2dOptions& options() const;

  /// Errors: kInvalidArgument when `input` has other channels than the weights or is smaller than the kernel.
  Result<Conv2dPlan> plan(const ImageShape& input, const Padding2d& padding) const;

 private:
  struct Weights;
  explicit Conv2d(std::shared_ptr<const Weights> weights) : weights_(std::move(weights)) {}
  std::shared_ptr<const Weights> weights_;
};

/// A convolution compiled for one input shape. run() allocates nothing. Not for use by two threads at once.
class Conv2dPlan {
 public:
  Conv2dPlan(Conv2dPlan&&) noexcept;
  Conv2dPlan& operator=(Conv2dPlan&&) noexcept;
  ~Conv2dPlan();

  const ImageShape& output() const;

  /// `input` as planned, `destination` [output().size()]; they may not overlap. Runs on OpenMP's threads.
  /// Errors: only what oneDNN reports.
  Status run(const float* input, float* destination);

 private:
  friend class Conv2d;
  struct Primitive;
  explicit Conv2dPlan(std::unique_ptr<Primitive> primitive);
  std::unique_ptr<Primitive> primitive_;
};

}  // namespace attend

#endif  // ATTEND_NN_CONV2D_H_
