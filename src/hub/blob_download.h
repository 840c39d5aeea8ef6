// The bytes of one file, from the hub into the cache.
#ifndef ATTEND_HUB_BLOB_DOWNLOAD_H_
#define ATTEND_HUB_BLOB_DOWNLOAD_H_

#include <cstdint>
#include <functional>
#include <string>

#include "attend/status.h"
#include "hub/hub_cache.h"
#include "hub/hub_client.h"
#include "hub/model_name.h"
#include "hub/pull_observer.h"

namespace attend {

/// Which file, and of which model.
struct BlobTask {
  const ModelName& name;
  const std::string& commit;
  const HubFile& file;
  uint64_t before = 0;  // bytes of other files that are here: the observer counts from there
};

/// Brings the blob unless the cache has it: goes on where an earlier run was cut, tries again when the
/// connection breaks, waits while another process brings the same one, and checks size and hash before the
/// blob gets its name. Errors: kIo (a full disk, a connection that stays broken, stopped), kNotFound,
/// kCorrupt (a wrong hash, after which nothing is left).
Status download_blob(const BlobTask& task, const CachedRepository& cache, HubClient& client,
                     PullObserver& observer);

}  // namespace attend

#endif  // ATTEND_HUB_BLOB_DOWNLOAD_H_
