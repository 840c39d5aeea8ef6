// How this library reports failure: as a value.
//
// Nothing in attend prints, aborts or throws on bad input. A function that can fail returns a Status, or a
// Result<T> when it also has something to hand back. A message is one sentence that names the argument, file
// or axis at fault, and the numbers that disagree; it is written for the person who will mend the input.
#ifndef ATTEND_STATUS_H_
#define ATTEND_STATUS_H_

#include <string>
#include <utility>
#include <variant>

namespace attend {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // the caller's arguments contradict each other or the contract
  kNotFound,         // a file or a named thing does not exist
  kCorrupt,          // a file's bytes are not what its format promises
  kUnsupported,      // well-formed, but not something this build or machine can do
  kIo,               // the operating system refused to read or write
  kOutOfMemory,
};

/// Success, or a code and a sentence.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  /// One sentence without a full stop; empty when ok.
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

/// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : content_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(content_); }
  /// The value; only when ok().
  T& value() & { return *std::get_if<T>(&content_); }
  const T& value() const& { return *std::get_if<T>(&content_); }
  T&& value() && { return std::move(*std::get_if<T>(&content_)); }
  /// The value, or `other` when there is none.
  T value_or(T other) const { return ok() ? value() : std::move(other); }
  /// OK when there is a value.
  Status status() const { return ok() ? Status() : *std::get_if<Status>(&content_); }

 private:
  std::variant<Status, T> content_;
};

}  // namespace attend

/// Leaves the enclosing function with the Status of `expression` when it failed.
#define ATTEND_RETURN_IF_ERROR(expression)                                                           \
  do {                                                                                               \
    if (::attend::Status attend_status_ = (expression); !attend_status_.ok()) return attend_status_; \
  } while (false)

#endif  // ATTEND_STATUS_H_
