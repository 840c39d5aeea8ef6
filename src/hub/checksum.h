// The hashes by which the hub names a file's content.
#ifndef ATTEND_HUB_CHECKSUM_H_
#define ATTEND_HUB_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "attend/status.h"

namespace attend {

/// The hash of bytes that come piece by piece, as the entity tag of a file on the hub is made: SHA-256 of the
/// content for large files (64 digits), git's SHA-1 of "blob SIZE\0" and the content for small ones (40).
class Checksum {
 public:
  /// For a file of `size` bytes whose tag is `tag`. Errors: kUnsupported for a tag of neither form, or when
  /// the system's cryptography lacks the hash.
  static Result<Checksum> start(std::string_view tag, uint64_t size);

  void add(std::span<const std::byte> bytes);
  /// In hexadecimal digits, lower case. Ends the sum: nothing can be added after it.
  std::string digits();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Checksum(void* context) : context_(context) {}

  std::unique_ptr<void, Free> context_;  // an EVP_MD_CTX
};

}  // namespace attend

#endif  // ATTEND_HUB_CHECKSUM_H_
