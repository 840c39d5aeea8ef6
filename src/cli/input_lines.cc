#include "cli/input_lines.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace attend {
namespace {

constexpr size_t kLongestLine = 1 << 20;

}  // namespace

Status InputLines::fill() {
  std::array<char, 65536> block;
  const ssize_t count = read(descriptor_, block.data(), block.size());
  if (count < 0 && errno == EINTR) return {};
  if (count < 0) return {StatusCode::kIo, "standard input: " + std::generic_category().message(errno)};
  ended_ = count == 0;
  text_.append(block.data(), static_cast<size_t>(count));
  return {};
}

Result<std::vector<std::string>> InputLines::next(size_t most) {
  while (!ended_ && text_.find('\n') == std::string::npos) {
    if (text_.size() > kLongestLine) {
      return Status(StatusCode::kInvalidArgument, "standard input: a line is longer than 1 MiB");
    }
    ATTEND_RETURN_IF_ERROR(fill());
  }
  std::vector<std::string> lines;
  size_t begin = 0;
  while (lines.size() < most && begin < text_.size()) {
    const size_t end = text_.find('\n', begin);
    if (end == std::string::npos && !ended_) break;
    lines.push_back(text_.substr(begin, end == std::string::npos ? end : end - begin));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    begin = end == std::string::npos ? text_.size() : end + 1;
  }
  text_.erase(0, begin);
  return lines;
}

}  // namespace attend
