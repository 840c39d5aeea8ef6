// Who watches a model being brought.
#ifndef ATTEND_HUB_PULL_OBSERVER_H_
#define ATTEND_HUB_PULL_OBSERVER_H_

#include <cstdint>
#include <string>

namespace attend {

class PullObserver {
 public:
  virtual ~PullObserver() = default;
  /// The files of the model have so many bytes together, of which some were brought earlier.
  virtual void begins(uint64_t total, uint64_t here) = 0;
  /// So many bytes are here now; `doing` says what takes the time, if it is not bringing them.
  virtual void advanced(uint64_t here, const std::string& doing) = 0;
  /// Something that whoever waits should know, in a sentence.
  virtual void says(const std::string& sentence) = 0;
  /// Asked often. Once true, the pull ends as soon as it can, and the next one goes on from there.
  virtual bool should_stop() = 0;
};

}  // namespace attend

#endif  // ATTEND_HUB_PULL_OBSERVER_H_
