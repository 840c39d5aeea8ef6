// The routes of the Hugging Face hub that bringing a model takes.
//
//   GET  /api/models/OWNER/REPO/revision/REVISION?blobs=true   the commit, and the files with their sizes
//   GET  /api/models/OWNER/REPO/discussions?...                pull requests
//   HEAD /OWNER/REPO/resolve/COMMIT/FILE                       a file's size and entity tag, where redirects
//                                                              within the hub end
//   GET  /OWNER/REPO/resolve/COMMIT/FILE                       its bytes, by way of redirects
//
// The token goes to the endpoint's own scheme, host and port, and to nobody that a redirect names.
#ifndef ATTEND_HUB_HUB_CLIENT_H_
#define ATTEND_HUB_HUB_CLIENT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "hub/http_client.h"
#include "hub/hub_settings.h"
#include "hub/model_name.h"

namespace attend {

/// A file in a revision. The tag names the content: SHA-256 for large files, git's SHA-1 for small ones.
struct HubFile {
  std::string name;
  std::string tag;
  uint64_t bytes = 0;
};

/// A revision, and its files. Mirrors may list these by name alone, with empty tags.
struct ModelListing {
  std::string commit;
  std::vector<HubFile> files;
};

class HubClient {
 public:
  /// `stop` ends whatever is under way. Errors: kUnsupported.
  static Result<HubClient> create(HubSettings settings, std::function<bool()> stop);

  const HubSettings& settings() const { return settings_; }

  /// Errors here and below: kNotFound, kIo, as explain() says them; kCorrupt for an answer that is not the
  /// hub's.
  Result<ModelListing> list(const ModelName& name);
  /// The file as it will be served; it must be what the listing says, as far as that says something.
  Result<HubFile> look_up(const ModelName& name, const std::string& commit, const HubFile& listed);

  /// The file's bytes go to `sink`; `headers` may ask for a range.
  HttpOutcome download(const ModelName& name, const std::string& commit, const std::string& file,
                       std::vector<std::string> headers, HttpSink& sink);

  /// The number of the open pull request in which the hub's own converter offers safetensors weights.
  std::optional<int> conversion(const ModelName& name);

  /// Waits as long as settings().pause says. Whether to go on: false when stop() came.
  bool pause() const;

 private:
  HubClient(HubSettings settings, std::function<bool()> stop, HttpClient http)
      : settings_(std::move(settings)), stop_(std::move(stop)), http_(std::move(http)) {}

  /// With the token, wherever a redirect stays at the endpoint.
  HttpOutcome ask(HttpRequest request, HttpSink& sink);
  /// In several tries, where another one may help.
  HttpOutcome ask_patiently(const HttpRequest& request, HttpSink& sink);
  HttpOutcome ask_for_text(const std::string& path, std::string& text);

  HubSettings settings_;
  std::function<bool()> stop_;
  HttpClient http_;
};

}  // namespace attend

#endif  // ATTEND_HUB_HUB_CLIENT_H_
