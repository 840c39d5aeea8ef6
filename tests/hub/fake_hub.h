// A server on loopback that speaks the hub's routes, and a second one, on another port, that large files are
// redirected to. What may go wrong on the way to a real one goes wrong here when a test says so.
#ifndef ATTEND_TESTS_HUB_FAKE_HUB_H_
#define ATTEND_TESTS_HUB_FAKE_HUB_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace attend {

/// A request as it came.
struct Seen {
  enum class Where { kHub, kStorage } where;
  std::string method, path, authorization, range, if_range, accept_encoding;
};

/// How a fake hub misbehaves. Set it before the first request.
struct Trouble {
  std::atomic<int> cuts{0};                  // so many answers with a file's bytes end early,
  std::atomic<uint64_t> cut_after{0};        // after so many bytes
  std::atomic<int> refusals{0};              // so many requests for a file's bytes get HTTP 503
  std::atomic<int> busy{0};                  // so many requests to the API get HTTP 503
  std::atomic<bool> ignores_ranges{false};   // always the whole file, without a Content-Length
  std::atomic<bool> wrong_ranges{false};     // another range than the one that was asked for
  std::atomic<bool> ends_early{false};       // a chunked answer that ends as if it were complete
  std::atomic<bool> never_ends{false};       // more bytes than the file has
  std::atomic<bool> spoils{false};           // a byte of every large file is another
  std::atomic<bool> names_only{false};       // a listing without sizes and hashes, as some mirrors give
  std::atomic<bool> contradicts{false};      // the listing's hash is another
  std::atomic<bool> storage_at_home{false};  // all files lie on the hub's own port, which tells sizes there
  std::atomic<bool> loops{false};            // redirects without end
  std::atomic<int> pause_ms{0};              // before each 16 KB of a file
  std::string moved_to;                      // the repository's new name: its old one redirects there
  std::string token;                         // the only one that is let in
  std::string error_code, error_message;     // X-Error-Code of
  int error_status = 0;                      // every answer with this status
  int conversion = 0;                        // the number of a pull request by the hub's converter
};

class FakeHub {
 public:
  FakeHub();
  ~FakeHub();

  /// A file of the one repository: kLarge ones lie in storage.
  enum class Kind { kSmall, kLarge };
  void add(const std::string& name, const std::string& content, Kind kind = Kind::kSmall);
  void remove(const std::string& name);
  /// What a captioner needs, with weights of so many bytes.
  void add_model(size_t weights = 100000);

  std::string endpoint() const;
  std::string tag_of(const std::string& name) const;
  std::string content_of(const std::string& name) const;
  std::vector<Seen> seen() const;
  /// How often the bytes of a file were asked for.
  int downloads_of(const std::string& name) const;
  void stop();

  std::string repository = "acme/captioner";
  std::string commit = "0123456789abcdef0123456789abcdef01234567";
  Trouble trouble;

 private:
  struct File {
    std::string content, tag;
    Kind kind;
  };
  class Listener;

  File find(const std::string& name) const;
  bool note(Seen::Where where, const httplib::Request& request, httplib::Response& response);
  void list(const httplib::Request& request, httplib::Response& response);
  void discussions(httplib::Response& response);
  void resolve(const httplib::Request& request, httplib::Response& response);
  void at_home(const httplib::Request& request, httplib::Response& response);
  void storage(const httplib::Request& request, httplib::Response& response);
  void serve(const File& file, const httplib::Request& request, httplib::Response& response);

  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::vector<Seen> seen_;
  std::unique_ptr<Listener> hub_, storage_;
};

/// Bytes that look like nothing in particular, the same ones for the same seed.
std::string noise(size_t bytes, uint64_t seed = 1);

}  // namespace attend

#endif  // ATTEND_TESTS_HUB_FAKE_HUB_H_
