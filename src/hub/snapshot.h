// How much of a model is on this machine.
#ifndef ATTEND_HUB_SNAPSHOT_H_
#define ATTEND_HUB_SNAPSHOT_H_

#include <cstdint>
#include <string>

#include "hub/model_name.h"

namespace attend {

struct Snapshot {
  enum class State {
    kAbsent,
    kPartial,  // some of it: a pull that was stopped, or files that another program wanted
    kWhole     // all that a captioner reads
  };
  State state = State::kAbsent;
  std::string folder;   // with the files; empty when there is none
  std::string commit;   // the folder's
  uint64_t bytes = 0;   // on this machine
  std::string missing;  // kPartial: the first file that is not there
};

/// "absent", "partial", "whole".
const char* name_of(Snapshot::State state);

/// The model in the cache, at the commit that its revision was last seen at. Looks, and asks nobody.
Snapshot find_snapshot(const std::string& cache, const ModelName& name);

}  // namespace attend

#endif  // ATTEND_HUB_SNAPSHOT_H_
