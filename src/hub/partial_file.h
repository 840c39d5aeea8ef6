// A file that grows at its end, over several runs if need be, and whose checksum grows with it.
#ifndef ATTEND_HUB_PARTIAL_FILE_H_
#define ATTEND_HUB_PARTIAL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "attend/status.h"
#include "hub/checksum.h"
#include "hub/hub_client.h"

namespace attend {

class PartialFile {
 public:
  /// Opens what an earlier run left at `path`, or begins anew, and reads what is there for the checksum. A
  /// file that is longer than it may be is begun anew. `stop` is asked between reads. Errors: kIo, also when
  /// stopped.
  static Result<PartialFile> open(const std::string& path, const HubFile& file,
                                  const std::function<bool()>& stop);

  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&& other) noexcept;
  ~PartialFile();

  uint64_t bytes() const { return bytes_; }

  /// Errors: kIo (a full disk), having written what had room; kCorrupt past the bytes that the file has.
  Status append(std::span<const std::byte> bytes);
  Status begin_anew();

  /// Checks the content, puts it on the disk and gives it its name, all at once. On kCorrupt (the checksum is
  /// another) the file is gone. Errors: kIo.
  Status finish(const std::string& path);

 private:
  PartialFile(std::string path, const HubFile& file, int descriptor)
      : path_(std::move(path)), file_(file), descriptor_(descriptor) {}
  Status read_what_is_there(const std::function<bool()>& stop);
  Status start_sum();
  Status full(int error) const;

  std::string path_;
  HubFile file_;
  int descriptor_ = -1;
  uint64_t bytes_ = 0;
  std::optional<Checksum> sum_;
};

}  // namespace attend

#endif  // ATTEND_HUB_PARTIAL_FILE_H_
