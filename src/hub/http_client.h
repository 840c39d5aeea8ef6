// One HTTP request after the other, by libcurl, which nothing else includes.
#ifndef ATTEND_HUB_HTTP_CLIENT_H_
#define ATTEND_HUB_HTTP_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attend/status.h"

namespace attend {

struct HttpRequest {
  std::string url;
  bool head = false;                 // the headers alone
  std::vector<std::string> headers;  // "Name: value"
};

struct HttpResponse {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case
  /// The header's value; empty when there is none.
  std::string header(const std::string& name) const;
};

/// Takes the body of an answer that is a success (2xx). Either function may refuse, which ends the transfer.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// The headers are complete.
  virtual bool begins(const HttpResponse& response) = 0;
  virtual bool takes(std::span<const std::byte> bytes) = 0;
};

/// How a request ended.
struct HttpOutcome {
  enum class End {
    kAnswered,     // with whatever status, and the whole body
    kUnreachable,  // no connection: no such host, nobody listens, a certificate that is not trusted
    kCut,          // the connection broke, or fell silent
    kRefused,      // by the sink
    kStopped,      // because stop() said so
  };
  End end = End::kUnreachable;
  HttpResponse response;
  std::string message;  // what libcurl has to say about it
};

/// Keeps connections open between requests. Follows no redirects. For one thread.
class HttpClient {
 public:
  struct Options {
    std::chrono::seconds silence{10};  // without a byte: the connection counts as cut
    std::string certificates;          // a file; empty: the system's
    std::function<bool()> stop;        // asked about every 0.1 to 1 s; may be empty
  };
  /// Errors: kUnsupported when libcurl cannot be set up.
  static Result<HttpClient> create(Options options);

  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  HttpOutcome perform(const HttpRequest& request, HttpSink& sink);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace attend

#endif  // ATTEND_HUB_HTTP_CLIENT_H_
