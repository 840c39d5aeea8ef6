#include "hub/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace attend {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

Url parse(const std::string& text) {
  Url url(curl_url());
  if (url != nullptr && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

/// Schemes come out of libcurl in lower case, hosts as they were written.
std::string origin(const Url& url) {
  std::string host = part(url, CURLUPART_HOST);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format("{}://{}:{}", part(url, CURLUPART_SCHEME), host,
                     part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

}  // namespace

std::optional<std::string> follow(const std::string& base, const std::string& location) {
  const Url url = parse(base);
  if (url == nullptr) return std::nullopt;
  const std::string from = part(url, CURLUPART_SCHEME);
  if (curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string to = part(url, CURLUPART_SCHEME);
  if (to != "https" && (to != "http" || from == "https")) return std::nullopt;
  return part(url, CURLUPART_URL);
}

bool same_origin(const std::string& a, const std::string& b) {
  const Url first = parse(a), second = parse(b);
  return first != nullptr && second != nullptr && origin(first) == origin(second);
}

std::string without_credentials(std::string address) {
  const size_t scheme = address.find("://");
  const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t end = std::min(address.find_first_of("/?#", begin), address.size());
  const size_t at = address.substr(0, end).rfind('@');
  if (at != std::string::npos && at >= begin) address.erase(begin, at + 1 - begin);
  return address;
}

std::string url_segment(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace attend
