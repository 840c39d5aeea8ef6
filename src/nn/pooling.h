// Pooling, for inference: the largest or the mean value of a window, or of the whole image.
#ifndef ATTEND_NN_POOLING_H_
#define ATTEND_NN_POOLING_H_

#include <cstdint>
#include <memory>

#include "attend/status.h"
#include "nn/image.h"

namespace attend {

enum class PoolingKind {
  kMax,
  kMean,  // over the pixels inside the image; padding does not count
};

struct Pool2dOptions {
  PoolingKind kind = PoolingKind::kMax;
  int64_t window_height = 1;
  int64_t window_width = 1;
  int64_t stride = 1;
};

/// A pooling compiled for one input shape. Not for use by two threads at once.
class Pool2dPlan {
 public:
  /// Errors: kInvalidArgument for a window or stride below 1, for one that does not fit the padded input, or
  /// for padding as wide as the window (a window of nothing but padding).
  static Result<Pool2dPlan> create(const Pool2dOptions& options, const ImageShape& input,
                                   const Padding2d& padding);

  Pool2dPlan(Pool2dPlan&&) noexcept;
  Pool2dPlan& operator=(Pool2dPlan&&) noexcept;
  ~Pool2dPlan();

  const ImageShape& output() const;

  /// `input` as planned, `destination` [output().size()]; they may not overlap. Runs on OpenMP's threads.
  Status run(const float* input, float* destination);

 private:
  struct Primitive;
  explicit Pool2dPlan(std::unique_ptr<Primitive> primitive);
  std::unique_ptr<Primitive> primitive_;
};

}  // namespace attend

#endif  // ATTEND_NN_POOLING_H_
