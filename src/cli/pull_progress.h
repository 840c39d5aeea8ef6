// A pull, as a person at a terminal sees it.
#ifndef ATTEND_CLI_PULL_PROGRESS_H_
#define ATTEND_CLI_PULL_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/progress_bar.h"
#include "hub/pull_observer.h"

namespace attend {

/// A bar in megabytes with rate and time left, on a terminal; sentences everywhere. An interrupt stops the
/// pull.
class PullProgress : public PullObserver {
 public:
  void begins(uint64_t total, uint64_t here) override;
  void advanced(uint64_t here, const std::string& doing) override;
  void says(const std::string& sentence) override;
  bool should_stop() override;

  /// Takes the bar away; on a terminal, says how much came in what time.
  void finish();

 private:
  std::optional<ProgressBar> bar_;
  uint64_t first_ = 0, here_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace attend

#endif  // ATTEND_CLI_PULL_PROGRESS_H_
