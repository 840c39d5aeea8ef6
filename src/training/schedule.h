// How large a step to take, and when.
#ifndef ATTEND_TRAINING_SCHEDULE_H_
#define ATTEND_TRAINING_SCHEDULE_H_

#include <cstdint>

namespace attend {

/// Linear warm-up, then half a cosine down to a floor (Loshchilov and Hutter 2017, without restarts).
struct Schedule {
  double peak = 4e-4;
  double floor = 0;    // the rate at and after step `steps`
  int64_t warmup = 0;  // steps
  int64_t steps = 1;   // in all

  /// The rate of step number `step`, the first being 0: peak * (step + 1) / warmup while step < warmup.
  double rate(int64_t step) const;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_SCHEDULE_H_
