#include "hub/hub_cache.h"

#include <fmt/format.h>
#include <unistd.h>
#include <atomic>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "hub/model_name.h"

namespace attend {
namespace {

std::string folder_name(const std::string& repository) {
  std::string name = "models--" + repository;
  name.replace(name.find('/'), 1, "--");
  return name;
}

Status refused(const std::string& path, const char* what) {
  return {StatusCode::kIo, fmt::format("{}: cannot {}: {}", path, what, std::strerror(errno))};
}

}  // namespace

CachedRepository::CachedRepository(const std::string& cache, const std::string& repository)
    : folder_(cache + "/" + folder_name(repository)), locks_(cache + "/.locks/" + folder_name(repository)) {}

std::optional<std::string> CachedRepository::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  std::ifstream file(folder_ + "/refs/" + revision, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!is_commit(text)) return std::nullopt;
  return text;
}

std::vector<std::string> CachedRepository::revisions() const {
  namespace fs = std::filesystem;
  const fs::path refs = folder_ + "/refs";
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(refs, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    std::string name = entry->path().lexically_relative(refs).string();
    if (entry->is_regular_file(ignored) && commit_of(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::make_pair(a != "main", a) < std::make_pair(b != "main", b);
  });
  return names;
}

std::vector<std::string> CachedRepository::unnamed_commits() const {
  namespace fs = std::filesystem;
  std::set<std::string> named;
  for (const std::string& revision : revisions()) named.insert(commit_of(revision).value_or(""));
  std::vector<std::string> commits;
  std::error_code error;
  for (fs::directory_iterator entry(folder_ + "/snapshots", error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (is_commit(name) && !named.contains(name)) commits.push_back(std::move(name));
  }
  std::sort(commits.begin(), commits.end());
  return commits;
}

bool CachedRepository::has(const std::string& commit, const HubFile& file) const {
  return size_of_file(snapshot(commit) + "/" + file.name) == file.bytes;
}

Status CachedRepository::link(const std::string& commit, const HubFile& file) const {
  ATTEND_RETURN_IF_ERROR(create_folders(snapshot(commit)));
  const std::string path = snapshot(commit) + "/" + file.name;
  // Another process or thread may do the same now: each makes a link of its own, and the last one stays.
  static std::atomic<unsigned> count = 0;
  const std::string temporary = fmt::format("{}.{}.{}.tmp", path, getpid(), count++);
  std::remove(temporary.c_str());
  if (symlink(("../../blobs/" + file.tag).c_str(), temporary.c_str()) != 0) {
    if (errno != EPERM && errno != ENOTSUP) return refused(path, "link");
    // A file system without symbolic links: the snapshot has the file itself, as Python's cache does there.
    if (std::rename(blob(file.tag).c_str(), path.c_str()) != 0) return refused(path, "write");
    return {};
  }
  if (std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  Status status = refused(path, "link");
  std::remove(temporary.c_str());
  return status;
}

Status CachedRepository::write_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) return {};
  const std::string path = folder_ + "/refs/" + revision;
  ATTEND_RETURN_IF_ERROR(create_folders(std::filesystem::path(path).parent_path().string()));
  return write_file(path, commit);
}

std::optional<uint64_t> size_of_file(const std::string& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return std::nullopt;
  return size;
}

Status create_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return {StatusCode::kIo, fmt::format("{}: cannot create the folder: {}", path, error.message())};
}

}  // namespace attend
