#include "hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string_view>
#include <utility>

namespace attend {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string lower(std::string_view text) {
  std::string copy(text);
  std::transform(copy.begin(), copy.end(), copy.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// What one request has come to, for libcurl's callbacks.
struct Exchange {
  CURL* easy;
  HttpSink& sink;
  const std::function<bool()>& stop;
  HttpResponse response;
  bool begun = false, refused = false, stopped = false;
  uint64_t ignored = 0;  // bytes of a body that is no success

  bool success() const { return response.status >= 200 && response.status < 300; }

  void header_line(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // the first of an answer: of the last one, when others were provisional
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      response = {static_cast<int>(status), {}};
      return;
    }
    constexpr size_t kMostHeaders = 200;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || response.headers.size() >= kMostHeaders) return;
    response.headers[lower(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }

  bool body(std::span<const std::byte> bytes) {
    if (!success()) {
      constexpr uint64_t kMostIgnored = 1 << 16;
      ignored += bytes.size();
      return ignored <= kMostIgnored;
    }
    if (begin()) refused = !sink.takes(bytes);
    return !refused;
  }

  /// An empty body begins too.
  bool begin() {
    if (!begun) refused = !sink.begins(response);
    begun = true;
    return !refused;
  }
};

size_t on_header(char* bytes, size_t one, size_t count, void* exchange) {
  static_cast<Exchange*>(exchange)->header_line({bytes, one * count});
  return one * count;
}

size_t on_body(char* bytes, size_t one, size_t count, void* exchange) {
  const size_t size = one * count;
  const bool taken = static_cast<Exchange*>(exchange)->body(std::as_bytes(std::span(bytes, size)));
  return taken ? size : CURL_WRITEFUNC_ERROR;
}

int on_progress(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& state = *static_cast<Exchange*>(exchange);
  state.stopped = state.stopped || (state.stop && state.stop());
  return state.stopped ? 1 : 0;
}

HttpOutcome::End end_of(CURLcode code, const Exchange& exchange) {
  using End = HttpOutcome::End;
  if (exchange.stopped) return End::kStopped;
  if (exchange.refused) return End::kRefused;
  if (code == CURLE_OK) return End::kAnswered;
  // The rest of an error page is not worth waiting for.
  if (code == CURLE_WRITE_ERROR && !exchange.success()) return End::kAnswered;
  switch (code) {
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return End::kCut;
    case CURLE_OPERATION_TIMEDOUT:
      return exchange.response.status != 0 ? End::kCut : End::kUnreachable;
    default:
      return End::kUnreachable;
  }
}

}  // namespace

struct HttpClient::State {
  Options options;
  std::unique_ptr<CURL, FreeEasy> easy;
  std::array<char, CURL_ERROR_SIZE> error{};
};

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::create(Options options) {
  static const CURLcode set_up = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (set_up == CURLE_OK) state->easy.reset(curl_easy_init());
  if (state->easy == nullptr) return Status{StatusCode::kUnsupported, "libcurl cannot be set up"};
  CURL* easy = state->easy.get();
  const auto silence = static_cast<long>(state->options.silence.count());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error.data());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "attend/" ATTEND_VERSION);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, silence);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silence);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  if (!state->options.certificates.empty())
    curl_easy_setopt(easy, CURLOPT_CAINFO, state->options.certificates.c_str());
  return HttpClient(std::move(state));
}

HttpOutcome HttpClient::perform(const HttpRequest& request, HttpSink& sink) {
  CURL* easy = state_->easy.get();
  Exchange exchange{easy, sink, state_->options.stop, {}};
  std::unique_ptr<curl_slist, FreeList> headers;
  for (const std::string& line : request.headers) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return {HttpOutcome::End::kUnreachable, {}, "out of memory"};
    (void)headers.release();
    headers.reset(longer);
  }
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOBODY, request.head ? 1L : 0L);
  if (!request.head) curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
  state_->error.front() = '\0';
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_OK && exchange.success()) exchange.begin();
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
  const std::string said = state_->error.data();
  return {end_of(code, exchange), std::move(exchange.response),
          said.empty() ? curl_easy_strerror(code) : said};
}

}  // namespace attend
