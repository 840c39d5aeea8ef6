// Brings a model from the Hugging Face hub into the cache that Python's huggingface_hub keeps.
#ifndef ATTEND_HUB_PULL_H_
#define ATTEND_HUB_PULL_H_

#include "attend/status.h"
#include "hub/hub_settings.h"
#include "hub/model_name.h"
#include "hub/pull_observer.h"
#include "hub/snapshot.h"

namespace attend {

/// Asks the hub which commit the revision is, and brings those of its files that a captioner reads and the
/// cache lacks. The revision's name moves to the new commit when all of them are there; until then the old
/// files stay in use. Whatever ends it early leaves the beginnings of files, and the next pull goes on from
/// there; any number of processes may pull at once. Offline, and when the hub cannot be reached (the observer
/// hears of that), a model that is whole in the cache will do.
///
/// Errors: kNotFound (no such model, revision or file; offline and not here), kUnsupported (no safetensors
/// weights), kCorrupt (a wrong hash, an answer that is not a hub's), kIo (no network, no permission, a full
/// disk, stopped).
Result<Snapshot> pull(const ModelName& name, const HubSettings& settings, PullObserver& observer);

}  // namespace attend

#endif  // ATTEND_HUB_PULL_H_
