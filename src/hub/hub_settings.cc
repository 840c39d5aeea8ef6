#include "hub/hub_settings.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>

#include "hub/url.h"

namespace attend {
namespace {

constexpr const char* kEndpoint = "https://huggingface.co";

/// The variable's value, or what stands in for one that is not set or empty.
std::string value_of(const Environment& environment, const char* name, std::string otherwise = "") {
  const char* value = environment(name);
  return value != nullptr && *value != '\0' ? std::string(value) : std::move(otherwise);
}

/// The first of the variables that is set to something.
std::pair<std::string, std::string> first_of(const Environment& environment,
                                             std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = value_of(environment, name); !value.empty()) return {name, std::move(value)};
  }
  return {};
}

bool is_true(const std::string& value) {
  std::string upper = value;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
}

std::string home(const Environment& environment) {
  if (std::string folder = value_of(environment, "HOME"); !folder.empty()) return folder;
  const passwd* user = getpwuid(getuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "/";
}

bool continues_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// A leading ~, and each $NAME or ${NAME} that is set, replaced as a shell would.
std::string expand(const Environment& environment, const std::string& path) {
  std::string text = path == "~" || path.starts_with("~/") ? home(environment) + path.substr(1) : path;
  std::string expanded;
  for (size_t i = 0; i < text.size();) {
    const bool braced = text.compare(i, 2, "${") == 0;
    const size_t begin = i + (braced ? 2 : 1);
    size_t end = begin;
    while (text[i] == '$' && end < text.size() && continues_name(text[end])) ++end;
    const bool named = end > begin && (!braced || (end < text.size() && text[end] == '}'));
    const char* value = named ? environment(text.substr(begin, end - begin).c_str()) : nullptr;
    if (value != nullptr) {
      expanded += value;
      i = braced ? end + 1 : end;
    } else {
      expanded += text[i++];
    }
  }
  return expanded;
}

std::string hugging_face_home(const Environment& environment) {
  const std::string caches = value_of(environment, "XDG_CACHE_HOME", home(environment) + "/.cache");
  return expand(environment, value_of(environment, "HF_HOME", caches + "/huggingface"));
}

std::string trimmed(std::string text) {
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), space).base(), text.end());
  return text;
}

Result<std::string> read_token_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad())
    return Status{StatusCode::kIo, fmt::format("{}: cannot read the token: {}", path, std::strerror(errno))};
  return text;
}

Status find_token(const Environment& environment, HubSettings& settings) {
  if (is_true(value_of(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return {};
  auto [source, token] = first_of(environment, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"});
  token = trimmed(token);
  if (token.empty()) {
    source = expand(environment,
                    value_of(environment, "HF_TOKEN_PATH", hugging_face_home(environment) + "/token"));
    const Result<std::string> text = read_token_file(source);
    if (!text.ok()) return text.status();
    token = trimmed(text.value());
  }
  // It becomes part of a header line: a line feed in it would begin another.
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; }))
    return {StatusCode::kInvalidArgument, fmt::format("{}: holds characters that no token has", source)};
  settings.token = token;
  if (!token.empty()) settings.token_source = source;
  return {};
}

Status find_endpoint(const Environment& environment, HubSettings& settings) {
  std::string endpoint = value_of(environment, "HF_ENDPOINT", kEndpoint);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://"))
    return {StatusCode::kInvalidArgument,
            fmt::format("HF_ENDPOINT: '{}' does not begin with https:// or http://",
                        without_credentials(endpoint))};
  settings.endpoint = endpoint;
  return {};
}

Status find_timeout(const Environment& environment, HubSettings& settings) {
  const std::string text = value_of(environment, "HF_HUB_DOWNLOAD_TIMEOUT");
  if (text.empty()) return {};
  constexpr int kMost = 86400;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kMost)
    return {StatusCode::kInvalidArgument,
            fmt::format("HF_HUB_DOWNLOAD_TIMEOUT: '{}' is no number of seconds from 1 to {}", text, kMost)};
  settings.timeout = std::chrono::seconds(seconds);
  return {};
}

}  // namespace

Environment process_environment() {
  return [](const char* name) { return std::getenv(name); };
}

std::string hub_cache_folder(const Environment& environment) {
  const std::string usual =
      value_of(environment, "HUGGINGFACE_HUB_CACHE", hugging_face_home(environment) + "/hub");
  return expand(environment, value_of(environment, "HF_HUB_CACHE", usual));
}

Result<HubSettings> hub_settings(const Environment& environment) {
  HubSettings settings;
  settings.cache = hub_cache_folder(environment);
  settings.offline = is_true(first_of(environment, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}).second);
  settings.certificates =
      first_of(environment, {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}).second;
  ATTEND_RETURN_IF_ERROR(find_endpoint(environment, settings));
  ATTEND_RETURN_IF_ERROR(find_timeout(environment, settings));
  ATTEND_RETURN_IF_ERROR(find_token(environment, settings));
  return settings;
}

}  // namespace attend
