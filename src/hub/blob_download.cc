#include "hub/blob_download.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "hub/file_lock.h"
#include "hub/hub_answers.h"
#include "hub/partial_file.h"

namespace attend {
namespace {

using End = HttpOutcome::End;

/// "bytes 100-199/200": the first byte that an answer brings, if the file it is of has `total` bytes.
std::optional<uint64_t> first_byte(const std::string& content_range, uint64_t total) {
  constexpr std::string_view kUnit = "bytes ";
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  const char* begin = content_range.data() + kUnit.size();
  const char* end = content_range.data() + content_range.size();
  uint64_t first = 0;
  const auto [stopped, error] = std::from_chars(begin, end, first);
  if (error != std::errc() || stopped == end || *stopped != '-') return std::nullopt;
  const size_t slash = content_range.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string whole = content_range.substr(slash + 1);
  if (whole != "*" && whole != std::to_string(total)) return std::nullopt;
  return first;
}

/// Puts what an answer brings behind what is there.
class BlobSink : public HttpSink {
 public:
  BlobSink(const BlobTask& task, PartialFile& partial, PullObserver& observer)
      : task_(task), partial_(partial), observer_(observer) {}

  bool begins(const HttpResponse& response) override {
    const std::string tag = response.header("etag");
    strong_tag_ = tag.starts_with("W/") ? "" : tag;
    if (response.status != 206) {  // the whole file, whatever was asked for
      if (partial_.bytes() > 0) status_ = partial_.begin_anew();
      return status_.ok();
    }
    if (first_byte(response.header("content-range"), task_.file.bytes) == partial_.bytes()) return true;
    status_ = {StatusCode::kCorrupt,
               fmt::format("{}: {}: the server sends '{}' where bytes {} to {} were asked for",
                           task_.name.asked, task_.file.name, response.header("content-range"),
                           partial_.bytes(), task_.file.bytes - 1)};
    return false;
  }

  bool takes(std::span<const std::byte> bytes) override {
    status_ = partial_.append(bytes);
    observer_.advanced(task_.before + partial_.bytes(), "");
    return status_.ok();
  }

  const Status& status() const { return status_; }

  /// Asks for the bytes that are not here yet, and for all of them should the file be another by now.
  std::vector<std::string> headers() const {
    if (partial_.bytes() == 0) return {};
    std::vector<std::string> lines = {fmt::format("Range: bytes={}-", partial_.bytes())};
    if (!strong_tag_.empty()) lines.push_back("If-Range: " + strong_tag_);
    return lines;
  }

 private:
  const BlobTask& task_;
  PartialFile& partial_;
  PullObserver& observer_;
  std::string strong_tag_;  // of the server that sent the bytes so far
  Status status_;
};

Status check_room(const BlobTask& task, const CachedRepository& cache, uint64_t here) {
  std::error_code error;
  const auto space = std::filesystem::space(cache.folder(), error);
  const uint64_t needed = task.file.bytes - here;
  if (error || space.available >= needed) return {};
  return {StatusCode::kIo,
          fmt::format("{}: {} needs {} bytes more, and the disk of {} has {} left", task.name.asked,
                      task.file.name, needed, cache.folder(), static_cast<uint64_t>(space.available))};
}

/// Nothing when the blob is there by the time that nobody else holds the lock.
Result<std::optional<FileLock>> wait_for_lock(const BlobTask& task, const CachedRepository& cache,
                                              PullObserver& observer) {
  constexpr std::chrono::milliseconds kBetweenTries(100);
  bool said = false;
  while (size_of_file(cache.blob(task.file.tag)) != task.file.bytes) {
    Result<std::optional<FileLock>> lock = FileLock::try_lock(cache.lock(task.file.tag));
    // The one that held it may have finished just now.
    if (!lock.ok() || (lock.value() && size_of_file(cache.blob(task.file.tag)) != task.file.bytes))
      return lock;
    if (lock.value()) break;
    if (observer.should_stop()) return Status{StatusCode::kIo, task.name.asked + ": stopped"};
    if (!std::exchange(said, true))
      observer.says(
          fmt::format("{}: another process is bringing {}; waiting for it", task.name.asked, task.file.name));
    const uint64_t there = size_of_file(cache.incomplete(task.file.tag)).value_or(0);
    observer.advanced(task.before + there, "by another process");
    std::this_thread::sleep_for(kBetweenTries);
  }
  return std::optional<FileLock>();
}

/// Whether a request that ended so is worth another.
bool may_go_on(const HttpOutcome& outcome) {
  if (outcome.end == End::kCut || outcome.end == End::kUnreachable) return true;
  if (outcome.end != End::kAnswered) return false;
  // An answer that ended early, or was made by a server that is out of order for now; or a range that the
  // file does not have; or an address in storage that has run out: the hub gives a new one.
  const int status = outcome.response.status;
  return status == 200 || status == 206 || status == 416 || status == 403 || is_passing(status);
}

Status why_not_whole(const HttpOutcome& outcome, const BlobTask& task, uint64_t here,
                     const HubSettings& settings) {
  const int status = outcome.response.status;
  if (outcome.end != End::kAnswered || (status != 200 && status != 206))
    return explain(outcome, task.name, task.file.name, settings);
  return {StatusCode::kIo, fmt::format("{}: {} ended after {} of {} bytes", task.name.asked, task.file.name,
                                       here, task.file.bytes)};
}

Status transfer(const BlobTask& task, PartialFile& partial, HubClient& client, PullObserver& observer) {
  constexpr int kMostTries = 5;  // without a byte more
  BlobSink sink(task, partial, observer);
  int left = kMostTries;
  while (partial.bytes() < task.file.bytes) {
    const uint64_t before = partial.bytes();
    const HttpOutcome outcome = client.download(task.name, task.commit, task.file.name, sink.headers(), sink);
    if (outcome.end == End::kRefused) return sink.status();
    if (partial.bytes() == task.file.bytes) return {};
    left = partial.bytes() > before ? kMostTries : left - 1;
    Status status = why_not_whole(outcome, task, partial.bytes(), client.settings());
    if (!may_go_on(outcome) || left == 0) return status;
    if (outcome.response.status == 416) ATTEND_RETURN_IF_ERROR(partial.begin_anew());
    observer.advanced(task.before + partial.bytes(), "trying again");
    if (!client.pause()) return {StatusCode::kIo, task.name.asked + ": stopped"};
  }
  return {};
}

}  // namespace

Status download_blob(const BlobTask& task, const CachedRepository& cache, HubClient& client,
                     PullObserver& observer) {
  const Result<std::optional<FileLock>> lock = wait_for_lock(task, cache, observer);
  if (!lock.ok()) return lock.status();
  if (!lock.value()) return {};
  ATTEND_RETURN_IF_ERROR(create_folders(cache.folder() + "/blobs"));
  HubFile called = task.file;  // as messages have it
  called.name = task.name.asked + ": " + task.file.name;
  const auto stop = [&observer] { return observer.should_stop(); };
  for (;;) {
    Result<PartialFile> partial = PartialFile::open(cache.incomplete(task.file.tag), called, stop);
    if (!partial.ok()) return partial.status();
    const bool resumed = partial.value().bytes() > 0;
    ATTEND_RETURN_IF_ERROR(check_room(task, cache, partial.value().bytes()));
    ATTEND_RETURN_IF_ERROR(transfer(task, partial.value(), client, observer));
    Status status = partial.value().finish(cache.blob(task.file.tag));
    // What an earlier run left may have been spoilt since (a power cut): all of it once more.
    if (status.code() != StatusCode::kCorrupt || !resumed) return status;
  }
}

}  // namespace attend
