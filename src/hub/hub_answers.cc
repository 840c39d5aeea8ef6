#include "hub/hub_answers.h"

#include <fmt/format.h>

#include "hub/url.h"

namespace attend {
namespace {

/// The server's own words, cut to a line's length.
std::string server_says(const HttpResponse& response) {
  constexpr size_t kMost = 200;
  const std::string words = response.header("x-error-message").substr(0, kMost);
  return words.empty() ? "" : fmt::format(" ({})", words);
}

Status gated(const ModelName& name, const HubSettings& settings) {
  const std::string page = without_credentials(settings.endpoint) + "/" + name.repository;
  const std::string after = settings.token.empty()
                                ? "then set HF_TOKEN to a token of that account"
                                : fmt::format("for the account whose token {} holds", settings.token_source);
  return {StatusCode::kIo, fmt::format("{}: is gated: accept its terms at {}, {}", name.asked, page, after)};
}

Status no_such_model(const ModelName& name, const HubSettings& settings) {
  const std::string who =
      settings.token.empty()
          ? "or it is private and HF_TOKEN is not set"
          : fmt::format("or it is private and closed to the token in {}", settings.token_source);
  return {StatusCode::kNotFound, fmt::format("{}: {} has no model {}, {}", name.asked,
                                             without_credentials(settings.endpoint), name.repository, who)};
}

Status no_such_revision(const ModelName& name) {
  return {StatusCode::kNotFound,
          fmt::format("{}: {} has no revision '{}'", name.asked, name.repository, name.revision)};
}

Status unauthorised(const HttpResponse& response, const ModelName& name, const HubSettings& settings) {
  if (!settings.token.empty() && response.header("x-error-message").find("Invalid credentials") == 0)
    return {StatusCode::kIo, fmt::format("{}: {} does not accept the token in {}", name.asked,
                                         without_credentials(settings.endpoint), settings.token_source)};
  return no_such_model(name, settings);
}

std::string subject(const ModelName& name, const std::string& what) {
  return what.empty() ? name.asked : fmt::format("{}: {}", name.asked, what);
}

}  // namespace

bool is_passing(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

Status explain(const HttpOutcome& outcome, const ModelName& name, const std::string& what,
               const HubSettings& settings) {
  using End = HttpOutcome::End;
  const HttpResponse& response = outcome.response;
  if (outcome.end == End::kStopped) return {StatusCode::kIo, fmt::format("{}: stopped", name.asked)};
  if (outcome.end == End::kUnreachable)
    return {StatusCode::kIo, fmt::format("{}: cannot reach {}: {}", subject(name, what),
                                         without_credentials(settings.endpoint), outcome.message)};
  if (outcome.end != End::kAnswered)
    return {StatusCode::kIo, fmt::format("{}: the connection to {} was cut: {}", subject(name, what),
                                         without_credentials(settings.endpoint), outcome.message)};
  const std::string code = response.header("x-error-code");
  if (code == "GatedRepo") return gated(name, settings);
  if (code == "RevisionNotFound") return no_such_revision(name);
  if (code == "RepoNotFound") return no_such_model(name, settings);
  if (code == "EntryNotFound")
    return {StatusCode::kNotFound, fmt::format("{}: {} has no file {}", name.asked, name.repository, what)};
  if (response.status == 401) return unauthorised(response, name, settings);
  if (response.status == 404 && what.empty()) return no_such_model(name, settings);
  return {StatusCode::kIo,
          fmt::format("{}: {} answers with HTTP {}{}", subject(name, what),
                      without_credentials(settings.endpoint), response.status, server_says(response))};
}

}  // namespace attend
