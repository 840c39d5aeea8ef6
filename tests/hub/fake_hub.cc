#include "hub/fake_hub.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>
#include <utility>

#include "hub/checksum.h"

namespace attend {
namespace {

using Json = nlohmann::json;

std::string hash(const std::string& content, size_t digits) {
  Result<Checksum> sum = Checksum::start(std::string(digits, '0'), content.size());
  sum.value().add(std::as_bytes(std::span(content)));
  return sum.value().digits();
}

}  // namespace

/// A server that runs until it is destroyed.
class FakeHub::Listener {
 public:
  httplib::Server server;

  void start() {
    port_ = server.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
  }
  void stop() {
    server.stop();
    if (thread_.joinable()) thread_.join();
  }
  ~Listener() { stop(); }
  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int port_ = 0;
  std::thread thread_;
};

FakeHub::FakeHub() : hub_(std::make_unique<Listener>()), storage_(std::make_unique<Listener>()) {
  using httplib::Request;
  using httplib::Response;
  hub_->server.Get(R"(/api/models/(.+)/revision/(.+))", [this](const Request& request, Response& response) {
    if (note(Seen::Where::kHub, request, response)) list(request, response);
  });
  hub_->server.Get(R"(/api/models/(.+)/discussions)", [this](const Request& request, Response& response) {
    if (note(Seen::Where::kHub, request, response)) discussions(response);
  });
  hub_->server.Get(R"(/(.+)/resolve/([^/]+)/(.+))", [this](const Request& request, Response& response) {
    if (note(Seen::Where::kHub, request, response)) resolve(request, response);
  });
  hub_->server.Get(R"(/api/resolve-cache/(.+))", [this](const Request& request, Response& response) {
    if (note(Seen::Where::kHub, request, response)) at_home(request, response);
  });
  storage_->server.Get(R"(/storage/(.+))", [this](const Request& request, Response& response) {
    if (note(Seen::Where::kStorage, request, response)) storage(request, response);
  });
  hub_->start();
  storage_->start();
}

FakeHub::~FakeHub() = default;

void FakeHub::stop() {
  hub_->stop();
  storage_->stop();
}

std::string FakeHub::endpoint() const {
  return hub_->address();
}

void FakeHub::add(const std::string& name, const std::string& content, Kind kind) {
  const std::lock_guard lock(mutex_);
  files_[name] = {content, hash(content, kind == Kind::kLarge ? 64 : 40), kind};
}

void FakeHub::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  files_.erase(name);
}

void FakeHub::add_model(size_t weights) {
  add("README.md", "# A captioner\n");
  add("config.json", R"({"model_type": "blip"})");
  add("tokenizer.json", R"({"model": {}})");
  add("pytorch_model.bin", noise(1000, 7), Kind::kLarge);
  add("model.safetensors", noise(weights), Kind::kLarge);
}

std::string FakeHub::tag_of(const std::string& name) const {
  return find(name).tag;
}

std::string FakeHub::content_of(const std::string& name) const {
  return find(name).content;
}

std::vector<Seen> FakeHub::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

int FakeHub::downloads_of(const std::string& name) const {
  const std::string end = "/" + name;
  const std::vector<Seen> requests = seen();
  return static_cast<int>(std::count_if(requests.begin(), requests.end(), [&end](const Seen& request) {
    return request.method == "GET" && request.path.find("/resolve/") != std::string::npos &&
           request.path.ends_with(end);
  }));
}

/// Writes the request down. Whether it is to be answered as usual.
bool FakeHub::note(Seen::Where where, const httplib::Request& request, httplib::Response& response) {
  const std::string authorization = request.get_header_value("Authorization");
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back({where, request.method, request.path, authorization, request.get_header_value("Range"),
                     request.get_header_value("If-Range"), request.get_header_value("Accept-Encoding")});
  }
  if (where == Seen::Where::kStorage) return true;
  if (trouble.error_status != 0) {
    response.status = trouble.error_status;
    if (!trouble.error_code.empty()) response.set_header("X-Error-Code", trouble.error_code);
    if (!trouble.error_message.empty()) response.set_header("X-Error-Message", trouble.error_message);
    return false;
  }
  if (!trouble.token.empty() && authorization != "Bearer " + trouble.token) {
    response.status = 401;
    return false;
  }
  if (trouble.loops) {
    response.status = 302;
    response.set_header("Location", request.path);
    response.set_header("X-Linked-Etag", "\"around\"");
    return false;
  }
  if (!trouble.moved_to.empty() && request.path.find(repository) != std::string::npos) {
    std::string path = request.path;
    path.replace(path.find(repository), repository.size(), trouble.moved_to);
    response.status = 307;
    response.set_header("Location", path);
    return false;
  }
  return true;
}

void FakeHub::list(const httplib::Request& request, httplib::Response& response) {
  if (trouble.busy > 0) {
    --trouble.busy;
    response.status = 503;
    return;
  }
  const std::string known = trouble.moved_to.empty() ? repository : trouble.moved_to;
  if (request.matches[1] != known) {
    response.status = 401;  // the hub says so of what does not exist
    response.set_header("X-Error-Code", "RepoNotFound");
    return;
  }
  const std::string revision = request.matches[2];
  if (revision != "main" && revision != commit && revision != "refs/pr/4") {
    response.status = 404;
    response.set_header("X-Error-Code", "RevisionNotFound");
    return;
  }
  Json siblings = Json::array();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, file] : files_) {
    Json sibling = {{"rfilename", name}};
    const std::string tag = trouble.contradicts ? std::string(file.tag.size(), 'a') : file.tag;
    if (!trouble.names_only) {
      sibling["size"] = file.content.size();
      sibling["blobId"] = file.kind == Kind::kLarge ? std::string(40, 'b') : tag;
      if (file.kind == Kind::kLarge) sibling["lfs"] = {{"sha256", tag}, {"size", file.content.size()}};
    }
    siblings.push_back(sibling);
  }
  response.set_content(Json({{"id", known}, {"sha", commit}, {"siblings", siblings}}).dump(),
                       "application/json");
}

void FakeHub::discussions(httplib::Response& response) {
  Json found = Json::array();
  found.push_back({{"num", 1},
                   {"title", "Adding `safetensors` variant of this model"},
                   {"status", "open"},
                   {"isPullRequest", true},
                   {"author", {{"name", "somebody-else"}}}});
  if (trouble.conversion > 0) {
    found.push_back({{"num", trouble.conversion},
                     {"title", "Adding `safetensors` variant of this model"},
                     {"status", "open"},
                     {"isPullRequest", true},
                     {"author", {{"name", "SFconvertbot"}}}});
  }
  response.set_content(Json({{"discussions", found}, {"count", found.size()}}).dump(), "application/json");
}

void FakeHub::resolve(const httplib::Request& request, httplib::Response& response) {
  const std::string name = request.matches[3];
  File file;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(name);
    if (request.matches[2] != commit || found == files_.end()) {
      response.status = 404;
      response.set_header("X-Error-Code", "EntryNotFound");
      return;
    }
    file = found->second;
  }
  response.set_header("X-Repo-Commit", commit);
  if (file.kind == Kind::kSmall && !trouble.storage_at_home) {
    serve(file, request, response);
    return;
  }
  response.set_header("X-Linked-Etag", '"' + file.tag + '"');
  if (trouble.storage_at_home) {
    response.status = 307;
    response.set_header("Location", "/api/resolve-cache/" + name);
    return;
  }
  response.set_header("X-Linked-Size", std::to_string(file.content.size()));
  response.status = 302;
  response.set_header("Location", storage_->address() + "/storage/" + name);
}

FakeHub::File FakeHub::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return files_.at(name);
}

void FakeHub::at_home(const httplib::Request& request, httplib::Response& response) {
  response.set_header("X-Repo-Commit", commit);
  serve(find(request.matches[1]), request, response);
}

void FakeHub::storage(const httplib::Request& request, httplib::Response& response) {
  File file = find(request.matches[1]);
  if (trouble.spoils) file.content[file.content.size() / 2] ^= 1;
  file.tag = "storage-" + file.tag.substr(0, 8);  // storage has tags of its own
  serve(file, request, response);
}

void FakeHub::serve(const File& file, const httplib::Request& request, httplib::Response& response) {
  response.set_header("ETag", '"' + file.tag + '"');
  if (request.method == "HEAD") {
    response.set_content(file.content, "application/octet-stream");
    return;
  }
  if (trouble.refusals > 0) {
    --trouble.refusals;
    response.status = 503;
    return;
  }
  const std::string if_range = request.get_header_value("If-Range");
  const bool whole = trouble.ignores_ranges || (!if_range.empty() && if_range != '"' + file.tag + '"');
  if (whole || trouble.ends_early || trouble.never_ends) {
    response.status = 200;
    const size_t size = trouble.ends_early ? file.content.size() / 2 : file.content.size();
    const int copies = trouble.never_ends ? 2 : 1;
    response.set_chunked_content_provider(
        "application/octet-stream",
        [content = file.content.substr(0, size), copies](size_t, httplib::DataSink& sink) {
          for (int i = 0; i < copies; ++i) sink.write(content.data(), content.size());
          sink.done();
          return true;
        });
    return;
  }
  if (trouble.wrong_ranges && !request.ranges.empty()) {
    response.status = 206;
    response.set_header("Content-Range", "bytes 0-9/" + std::to_string(file.content.size()));
    response.set_chunked_content_provider("application/octet-stream", [](size_t, httplib::DataSink& sink) {
      sink.write("0123456789", 10);
      sink.done();
      return true;
    });
    return;
  }
  const bool cut = trouble.cuts > 0;
  if (cut) --trouble.cuts;
  const uint64_t budget = cut ? trouble.cut_after.load() : file.content.size();
  response.set_content_provider(
      file.content.size(), "application/octet-stream",
      [this, content = file.content, budget, sent = uint64_t{0}](size_t offset, size_t length,
                                                                 httplib::DataSink& sink) mutable {
        constexpr size_t kBlock = 16384;
        if (trouble.pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(trouble.pause_ms));
        const size_t count = std::min({length, kBlock, static_cast<size_t>(budget - sent)});
        if (count == 0) return false;  // which ends the connection
        sent += count;
        return sink.write(content.data() + offset, count);
      });
}

std::string noise(size_t bytes, uint64_t seed) {
  std::string text(bytes, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15u;
  for (char& byte : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  return text;
}

}  // namespace attend
