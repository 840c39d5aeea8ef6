#include "hub/hub_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "hub/hub_answers.h"
#include "hub/url.h"

namespace attend {
namespace {

using Json = nlohmann::json;

constexpr int kMostRedirects = 10, kMostTries = 5;

/// A short body, kept.
class TextSink : public HttpSink {
 public:
  explicit TextSink(std::string& text) : text_(text) {}
  bool begins(const HttpResponse&) override {
    text_.clear();
    return true;
  }
  bool takes(std::span<const std::byte> bytes) override {
    constexpr size_t kMost = 16 << 20;
    if (bytes.size() > kMost - text_.size()) return false;
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }

 private:
  std::string& text_;
};

/// Of a HEAD request.
class NoSink : public HttpSink {
 public:
  bool begins(const HttpResponse&) override { return true; }
  bool takes(std::span<const std::byte>) override { return true; }
};

bool is_redirect(const HttpResponse& response) {
  return response.status >= 300 && response.status < 400 && !response.header("location").empty();
}

/// Whether the answer is one to end with although it redirects to `next`: it describes a file that lies with
/// somebody else. A redirect within the hub (a repository with a new name, a cache) may say less about the
/// file than where it leads to; Python's huggingface_hub does not read it either.
bool describes_file(const HttpRequest& request, const HttpResponse& response,
                    const std::optional<std::string>& next) {
  if (!request.head || response.header("x-linked-etag").empty()) return false;
  return !next || !same_origin(request.url, *next);
}

bool is_success(const HttpOutcome& outcome) {
  return outcome.end == HttpOutcome::End::kAnswered && outcome.response.status >= 200 &&
         outcome.response.status < 300;
}

/// Null for a text that is none, or has more levels than the hub's answers: a hostile one of a million would
/// overflow the stack when it is destroyed.
Json parse(const std::string& text) {
  constexpr int kMostLevels = 32;
  bool deep = false;
  const auto look = [&deep](int depth, Json::parse_event_t, Json&) {
    deep = deep || depth > kMostLevels;
    return !deep;
  };
  Json parsed = Json::parse(text, look, /*allow_exceptions=*/false);
  return deep || parsed.is_discarded() ? Json() : std::move(parsed);
}

/// The field's text; empty when it is anything else.
std::string text_field(const Json& object, const char* key) {
  const auto field = object.is_object() ? object.find(key) : object.end();
  return field != object.end() && field->is_string() ? field->get<std::string>() : std::string();
}

const Json& list_field(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const auto field = object.is_object() ? object.find(key) : object.end();
  return field != object.end() && field->is_array() ? *field : kNone;
}

/// One of the listing's siblings: large files say their SHA-256, small ones git's SHA-1.
HubFile listed_file(const Json& sibling) {
  HubFile file{text_field(sibling, "rfilename"), text_field(sibling, "blobId"), 0};
  const auto large = sibling.is_object() ? sibling.find("lfs") : sibling.end();
  if (large != sibling.end() && large->is_object()) file.tag = text_field(*large, "sha256");
  return file;
}

Status not_the_hub(const ModelName& name, const HubSettings& settings, const std::string& why) {
  return {StatusCode::kCorrupt, fmt::format("{}: {} does not answer as a hub does: {}", name.asked,
                                            without_credentials(settings.endpoint), why)};
}

std::string resolve_path(const ModelName& name, const std::string& commit, const std::string& file) {
  return fmt::format("/{}/resolve/{}/{}", name.repository, commit, url_segment(file));
}

/// An entity tag without its quotes and without the mark of weak ones.
std::string plain_tag(std::string tag) {
  if (tag.starts_with("W/")) tag.erase(0, 2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

/// The tag becomes a file's name.
bool is_file_name(const std::string& tag) {
  constexpr size_t kLongest = 128;
  return !tag.empty() && tag.size() <= kLongest && std::all_of(tag.begin(), tag.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::optional<uint64_t> number(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<HubClient> HubClient::create(HubSettings settings, std::function<bool()> stop) {
  Result<HttpClient> http = HttpClient::create({settings.timeout, settings.certificates, stop});
  if (!http.ok()) return http.status();
  return HubClient(std::move(settings), std::move(stop), std::move(http).value());
}

bool HubClient::pause() const {
  const auto until = std::chrono::steady_clock::now() + settings_.pause;
  while (!(stop_ && stop_())) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(100)));
  }
  return false;
}

HttpOutcome HubClient::ask(HttpRequest request, HttpSink& sink) {
  // The size of a file that is compressed on its way says nothing, and a range of it less.
  request.headers.emplace_back("Accept-Encoding: identity");
  const std::vector<std::string> headers = request.headers;
  HttpOutcome outcome;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    const bool at_home = same_origin(request.url, settings_.endpoint);
    request.headers = headers;
    if (at_home && !settings_.token.empty())
      request.headers.push_back("Authorization: Bearer " + settings_.token);
    outcome = http_.perform(request, sink);
    if (outcome.end != HttpOutcome::End::kAnswered || !is_redirect(outcome.response)) return outcome;
    const std::optional<std::string> next = follow(request.url, outcome.response.header("location"));
    if (describes_file(request, outcome.response, next)) return outcome;
    if (!next) {
      outcome.end = HttpOutcome::End::kUnreachable;
      outcome.message = "it redirects to an address that is not followed";
      return outcome;
    }
    request.url = *next;
  }
  outcome.end = HttpOutcome::End::kUnreachable;
  outcome.message = fmt::format("more than {} redirects", kMostRedirects);
  return outcome;
}

HttpOutcome HubClient::ask_patiently(const HttpRequest& request, HttpSink& sink) {
  for (int left = kMostTries - 1;; --left) {
    HttpOutcome outcome = ask(request, sink);
    const bool passing = outcome.end == HttpOutcome::End::kCut ||
                         (outcome.end == HttpOutcome::End::kAnswered && is_passing(outcome.response.status));
    if (!passing || left == 0 || !pause()) return outcome;
  }
}

HttpOutcome HubClient::ask_for_text(const std::string& path, std::string& text) {
  TextSink sink(text);
  return ask_patiently({settings_.endpoint + path, false, {}}, sink);
}

Result<ModelListing> HubClient::list(const ModelName& name) {
  std::string text;
  const HttpOutcome outcome = ask_for_text(
      fmt::format("/api/models/{}/revision/{}?blobs=true", name.repository, url_segment(name.revision)),
      text);
  if (outcome.end == HttpOutcome::End::kRefused)
    return not_the_hub(name, settings_, "the list of files is longer than 16 MB");
  if (!is_success(outcome)) return explain(outcome, name, "", settings_);
  const Json answer = parse(text);
  ModelListing listing;
  listing.commit = text_field(answer, "sha");
  if (!is_commit(listing.commit)) return not_the_hub(name, settings_, "the list of files names no commit");
  for (const Json& file : list_field(answer, "siblings")) {
    if (HubFile listed = listed_file(file); !listed.name.empty()) listing.files.push_back(std::move(listed));
  }
  return listing;
}

Result<HubFile> HubClient::look_up(const ModelName& name, const std::string& commit, const HubFile& listed) {
  const std::string& file = listed.name;
  NoSink sink;
  const HttpOutcome outcome =
      ask_patiently({settings_.endpoint + resolve_path(name, commit, file), true, {}}, sink);
  const HttpResponse& response = outcome.response;
  const std::string linked = response.header("x-linked-etag"), size = response.header("x-linked-size");
  const bool elsewhere =
      outcome.end == HttpOutcome::End::kAnswered && is_redirect(response) && !linked.empty();
  if (!is_success(outcome) && !elsewhere) return explain(outcome, name, file, settings_);
  if (const std::string there = response.header("x-repo-commit"); there != commit)
    return not_the_hub(name, settings_, fmt::format("{} is of commit '{}', not {}", file, there, commit));
  HubFile found{file, plain_tag(linked.empty() ? response.header("etag") : linked), 0};
  const std::optional<uint64_t> bytes =
      number(size.empty() && is_success(outcome) ? response.header("content-length") : size);
  if (!is_file_name(found.tag) || !bytes)
    return not_the_hub(name, settings_, fmt::format("{} has no entity tag or no size", file));
  if (!listed.tag.empty() && listed.tag != found.tag)
    return not_the_hub(
        name, settings_,
        fmt::format("{} has the entity tag {}, and {} in the list of files", file, found.tag, listed.tag));
  found.bytes = *bytes;
  return found;
}

HttpOutcome HubClient::download(const ModelName& name, const std::string& commit, const std::string& file,
                                std::vector<std::string> headers, HttpSink& sink) {
  return ask({settings_.endpoint + resolve_path(name, commit, file), false, std::move(headers)}, sink);
}

std::optional<int> HubClient::conversion(const ModelName& name) {
  constexpr const char* kConverter = "SFconvertbot";
  std::string text;
  const HttpOutcome outcome =
      ask_for_text(fmt::format("/api/models/{}/discussions?type=pull_request&status=open&author={}",
                               name.repository, kConverter),
                   text);
  if (!is_success(outcome)) return std::nullopt;
  const Json answer = parse(text);
  for (const Json& discussion : list_field(answer, "discussions")) {
    const auto author = discussion.is_object() ? discussion.find("author") : discussion.end();
    const auto number = discussion.is_object() ? discussion.find("num") : discussion.end();
    if (author == discussion.end() || text_field(*author, "name") != kConverter) continue;
    const bool offers_weights = text_field(discussion, "title").find("safetensors") != std::string::npos;
    if (offers_weights && number != discussion.end() && number->is_number_unsigned())
      return number->get<int>();
  }
  return std::nullopt;
}

}  // namespace attend
