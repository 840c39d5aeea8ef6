#include "hub/pull.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/blob_download.h"
#include "hub/hub_cache.h"
#include "hub/hub_client.h"
#include "hub/wanted_files.h"

namespace attend {
namespace {

Result<Snapshot> pull_offline(const ModelName& name, const HubSettings& settings) {
  Snapshot found = find_snapshot(settings.cache, name);
  if (found.state == Snapshot::State::kWhole) return found;
  return Status{StatusCode::kNotFound,
                fmt::format("{}: HF_HUB_OFFLINE is set, and {} has {} of it", name.asked, settings.cache,
                            found.state == Snapshot::State::kPartial ? "only part" : "nothing")};
}

/// Where weights in another format are, the hub may offer converted ones that the owner has not taken yet.
Status with_conversion(Status status, const ModelName& name, HubClient& client) {
  if (status.code() != StatusCode::kUnsupported) return status;
  const std::optional<int> number = client.conversion(name);
  if (!number) return status;
  const std::string plain = name.asked.substr(0, name.asked.find('@'));
  return {status.code(),
          fmt::format("{}; the hub's converter offers them in pull request {}, not yet taken by the owner: "
                      "'attend pull {}@refs/pr/{}'",
                      status.message(), *number, plain, *number)};
}

/// What is here of the files: whole, or the beginning of one.
uint64_t bytes_here(const CachedRepository& cache, const std::string& commit, const HubFile& file) {
  if (cache.has(commit, file) || size_of_file(cache.blob(file.tag)) == file.bytes) return file.bytes;
  const uint64_t begun = size_of_file(cache.incomplete(file.tag)).value_or(0);
  return begun > file.bytes ? 0 : begun;
}

Result<std::vector<HubFile>> look_up_all(const ModelName& name, const ModelListing& listing,
                                         HubClient& client) {
  Result<std::vector<HubFile>> wanted = wanted_files(listing, name);
  if (!wanted.ok()) return with_conversion(wanted.status(), name, client);
  for (HubFile& file : wanted.value()) {
    Result<HubFile> served = client.look_up(name, listing.commit, file);
    if (!served.ok()) return served.status();
    file = std::move(served).value();
  }
  return wanted;
}

Status bring(const ModelName& name, const std::string& commit, const std::vector<HubFile>& files,
             HubClient& client, PullObserver& observer) {
  const CachedRepository cache(client.settings().cache, name.repository);
  std::vector<uint64_t> begun;  // bytes a file
  uint64_t total = 0, here = 0;
  for (const HubFile& file : files) {
    begun.push_back(bytes_here(cache, commit, file));
    total += file.bytes;
    here += begun.back();
  }
  observer.begins(total, here);
  for (size_t i = 0; i < files.size(); ++i) {
    const HubFile& file = files[i];
    const BlobTask task{name, commit, file, here - begun[i]};
    if (!cache.has(commit, file)) {
      ATTEND_RETURN_IF_ERROR(download_blob(task, cache, client, observer));
      ATTEND_RETURN_IF_ERROR(cache.link(commit, file));
    }
    here = task.before + file.bytes;
    observer.advanced(here, "");
  }
  return cache.write_ref(name.revision, commit);
}

}  // namespace

Result<Snapshot> pull(const ModelName& name, const HubSettings& settings, PullObserver& observer) {
  if (settings.offline) return pull_offline(name, settings);
  Result<HubClient> client = HubClient::create(settings, [&observer] { return observer.should_stop(); });
  if (!client.ok()) return client.status();
  const Result<ModelListing> listing = client.value().list(name);
  if (!listing.ok()) {
    Snapshot found = find_snapshot(settings.cache, name);
    if (listing.status().code() != StatusCode::kIo || found.state != Snapshot::State::kWhole ||
        observer.should_stop())
      return listing.status();
    observer.says(listing.status().message() + "; the files that were brought earlier will do");
    return found;
  }
  const std::string& commit = listing.value().commit;
  const Result<std::vector<HubFile>> files = look_up_all(name, listing.value(), client.value());
  if (!files.ok()) return files.status();
  ATTEND_RETURN_IF_ERROR(bring(name, commit, files.value(), client.value(), observer));
  Snapshot found = find_snapshot(settings.cache, {name.asked, name.repository, commit});
  if (found.state == Snapshot::State::kWhole) return found;
  return Status{StatusCode::kUnsupported, fmt::format("{}: {} at {} has no {}", name.asked, name.repository,
                                                      name.revision, found.missing)};
}

}  // namespace attend
