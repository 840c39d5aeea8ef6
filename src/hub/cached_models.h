// The captioners that are known, and those in the hub's cache that are not.
#ifndef ATTEND_HUB_CACHED_MODELS_H_
#define ATTEND_HUB_CACHED_MODELS_H_

#include <string>
#include <vector>

#include "hub/known_models.h"
#include "hub/model_name.h"
#include "hub/snapshot.h"

namespace attend {

struct CachedModel {
  ModelName name;           // .asked is what --model takes: "blip-base", "OWNER/REPO", "OWNER/REPO@REVISION"
  const KnownModel* known;  // null: nothing is known of it
  Snapshot snapshot;
};

/// First the known ones, in their own order, each followed by revisions of it other than main that the cache
/// has, and by commits that were brought by their number; then the others, by name: models whose config.json
/// says that they are BLIP, GIT or an encoder with a decoder, also where a pull was stopped before the end.
std::vector<CachedModel> cached_models(const std::string& cache);

}  // namespace attend

#endif  // ATTEND_HUB_CACHED_MODELS_H_
