// A repository's place in the cache that Python's huggingface_hub keeps.
//
//   CACHE/models--OWNER--REPO/refs/main               the commit that "main" was last seen at
//                             blobs/TAG               a file's content, named by its entity tag
//                             blobs/TAG.incomplete    the beginning of one
//                             snapshots/COMMIT/FILE   a link to ../../blobs/TAG
//   CACHE/.locks/models--OWNER--REPO/TAG.lock         held by the process that writes the blob
#ifndef ATTEND_HUB_HUB_CACHE_H_
#define ATTEND_HUB_HUB_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "hub/hub_client.h"

namespace attend {

class CachedRepository {
 public:
  CachedRepository(const std::string& cache, const std::string& repository);

  const std::string& folder() const { return folder_; }
  std::string blob(const std::string& tag) const { return folder_ + "/blobs/" + tag; }
  std::string incomplete(const std::string& tag) const { return blob(tag) + ".incomplete"; }
  std::string lock(const std::string& tag) const { return locks_ + "/" + tag + ".lock"; }
  std::string snapshot(const std::string& commit) const { return folder_ + "/snapshots/" + commit; }

  /// The commit that a revision stood for when it was last seen.
  std::optional<std::string> commit_of(const std::string& revision) const;

  /// The revisions that were ever brought by name: "main" first.
  std::vector<std::string> revisions() const;

  /// The commits of snapshots that no revision stands for, in their own order: brought by their number, or by
  /// a pull that was stopped, which names the revision last.
  std::vector<std::string> unnamed_commits() const;

  /// Whether the snapshot has the file, of the right size.
  bool has(const std::string& commit, const HubFile& file) const;

  /// Makes snapshots/COMMIT/FILE lead to the blob, and refs/REVISION say the commit. Each appears at once or
  /// not at all. Errors: kIo.
  Status link(const std::string& commit, const HubFile& file) const;
  Status write_ref(const std::string& revision, const std::string& commit) const;

 private:
  std::string folder_, locks_;
};

/// The bytes of the file at `path`, links followed; nothing when there is none.
std::optional<uint64_t> size_of_file(const std::string& path);

/// Creates the folder at `path` and those above it. Errors: kIo.
Status create_folders(const std::string& path);

}  // namespace attend

#endif  // ATTEND_HUB_HUB_CACHE_H_
