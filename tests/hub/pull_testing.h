// A cache of its own for each test, and a fake hub to fill it from.
#ifndef ATTEND_TESTS_HUB_PULL_TESTING_H_
#define ATTEND_TESTS_HUB_PULL_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"
#include "hub/fake_hub.h"
#include "hub/pull.h"

namespace attend {

/// Writes down what it sees, and stops the pull when it is told to.
class RecordingObserver : public PullObserver {
 public:
  void begins(uint64_t total_bytes, uint64_t here_bytes) override {
    total = total_bytes;
    first = here = here_bytes;
  }
  void advanced(uint64_t here_bytes, const std::string& what) override {
    here = here_bytes;
    if (!what.empty()) doing.push_back(what);
    most = std::max(most, here);
  }
  void says(const std::string& sentence) override { sentences.push_back(sentence); }
  bool should_stop() override { return stop && stop(); }

  uint64_t total = 0, first = 0, here = 0, most = 0;
  std::vector<std::string> doing, sentences;
  std::function<bool()> stop;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PullTest : public testing::Test {
 protected:
  PullTest() {
    settings.endpoint = hub.endpoint();
    settings.cache = folder / "cache";
    settings.pause = std::chrono::milliseconds(1);
  }

  ModelName model(const std::string& revision = "main") const {
    return {hub.repository + (revision == "main" ? "" : "@" + revision), hub.repository, revision};
  }
  Result<Snapshot> pull_model(const std::string& revision = "main") {
    return pull(model(revision), settings, observer);
  }
  std::string repository_folder() const { return settings.cache + "/models--acme--captioner"; }
  std::string snapshot_file(const std::string& name) const {
    return repository_folder() + "/snapshots/" + hub.commit + "/" + name;
  }
  std::string blob(const std::string& name) const {
    return repository_folder() + "/blobs/" + hub.tag_of(name);
  }

  void expect_pulled() {
    const Result<Snapshot> found = pull_model();
    ASSERT_TRUE(found.ok()) << found.status().message();
    for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"})
      EXPECT_TRUE(content_of(snapshot_file(name)) == hub.content_of(name)) << name;
    EXPECT_EQ(content_of(repository_folder() + "/refs/main"), hub.commit);
    EXPECT_EQ(leftovers(), std::vector<std::string>());
  }
  /// Files in the cache that are neither whole nor a lock.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(settings.cache)) {
      const std::string name = entry.path().filename().string();
      const bool odd =
          name.ends_with(".incomplete") || name.ends_with(".tmp") ||
          (entry.path().parent_path().filename() == "refs" && name.find('.') != std::string::npos);
      if (odd) names.push_back(name);
    }
    return names;
  }
  void expect_error(StatusCode code, const std::vector<std::string>& words,
                    const std::string& revision = "main") {
    const Result<Snapshot> found = pull_model(revision);
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.status().code(), code) << found.status().message();
    for (const std::string& word : words)
      EXPECT_NE(found.status().message().find(word), std::string::npos)
          << "'" << word << "' is not in: " << found.status().message();
    EXPECT_EQ(found.status().message().find('\n'), std::string::npos);
  }

  TemporaryFolder folder;
  FakeHub hub;
  HubSettings settings;
  RecordingObserver observer;
};

}  // namespace attend

#endif  // ATTEND_TESTS_HUB_PULL_TESTING_H_
