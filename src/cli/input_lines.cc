#include "cli/input_lines.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "language/utf8.h"

namespace attend {
namespace {

/// Takes the first bytes of a character off the end of `text`, when the others were cut off.
void drop_begun_character(std::string& text) {
  constexpr size_t kLongestCharacter = 4;
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  const size_t least = text.size() - std::min(text.size(), kLongestCharacter);
  size_t last = text.size();  // where the last character begins
  while (last > least && continues(text[--last])) continue;
  if (utf8_character_length(std::string_view(text).substr(last)) == 0) text.resize(last);
}

}  // namespace

Status InputLines::fill() {
  std::array<char, 65536> block;
  const ssize_t count = read(descriptor_, block.data(), block.size());
  if (count < 0 && errno == EINTR) return {};
  if (count < 0) return {StatusCode::kIo, "standard input: " + std::generic_category().message(errno)};
  split({block.data(), static_cast<size_t>(count)});
  ended_ = count == 0;
  if (ended_) drop_mark();
  if (ended_ && !begun_.text.empty()) end_line();
  return {};
}

void InputLines::split(std::string_view block) {
  size_t begin = 0;
  for (size_t end; (end = block.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    add_to_line(block.substr(begin, end - begin));
    end_line();
  }
  add_to_line(block.substr(begin));
}

void InputLines::add_to_line(std::string_view part) {
  const size_t room = kLongestLine - begun_.text.size();
  begun_.text += part.substr(0, room);
  begun_.cut = begun_.cut || part.size() > room;
}

void InputLines::drop_mark() {
  if (std::exchange(at_first_, false)) begun_.text = without_byte_order_mark(std::string(begun_.text));
}

void InputLines::end_line() {
  drop_mark();
  if (begun_.cut) {
    drop_begun_character(begun_.text);
  } else if (begun_.text.ends_with('\r')) {
    begun_.text.pop_back();
  }
  whole_.push_back(std::exchange(begun_, {}));
}

Result<std::vector<InputLine>> InputLines::next(size_t most) {
  while (whole_.empty() && !ended_) ATTEND_RETURN_IF_ERROR(fill());
  std::vector<InputLine> lines;
  while (lines.size() < most && !whole_.empty()) {
    lines.push_back(std::move(whole_.front()));
    whole_.pop_front();
  }
  return lines;
}

}  // namespace attend
