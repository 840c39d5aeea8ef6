// What may be chosen of any training run, whatever is learned.
#ifndef ATTEND_TRAINING_RUN_OPTIONS_H_
#define ATTEND_TRAINING_RUN_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bounds.h"

namespace attend {

struct RunOptions {
  static constexpr Bounds<int64_t> kEpochs{0, 1'000'000}, kPatience{0, 1'000'000}, kAverage{1, 100};
  static constexpr Bounds<double> kSaveSeconds{0, 1e9};

  int64_t epochs = 12;
  uint64_t seed = 1;
  int64_t patience = 4;       // epochs without a better score before training stops; 0 never stops early
  int64_t average = 3;        // how many of the best epochs are averaged at the end
  double save_seconds = 180;  // between checkpoints inside an epoch
  int64_t log_steps = 20;     // between rows of the log
  std::vector<std::string>
      start;  // files of parameters, whose mean is where training starts; none: random ones
};

}  // namespace attend

#endif  // ATTEND_TRAINING_RUN_OPTIONS_H_
