// How large a step to take, and when.
#ifndef ATTEND_TRAINING_SCHEDULE_H_
#define ATTEND_TRAINING_SCHEDULE_H_

#include <cstdint>

namespace attend {

/// Linear warm-up, then a way down.
struct Schedule {
  enum class Fall {
    kCosine,             // half a cosine to `floor` (Loshchilov and Hutter 2017, without restarts)
    kInverseSquareRoot,  // peak * sqrt(warmup / step) (Vaswani et al. 2017); needs no end
  };

  double peak = 4e-4;
  double floor = 0;    // kCosine: the rate at and after step `steps`
  int64_t warmup = 0;  // steps
  int64_t steps = 1;   // kCosine: in all
  Fall fall = Fall::kCosine;

  /// The rate of step number `step`, the first being 0: peak * (step + 1) / warmup while step < warmup.
  double rate(int64_t step) const;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_SCHEDULE_H_
