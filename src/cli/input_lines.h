// Standard input, a few lines at a time.
#ifndef ATTEND_CLI_INPUT_LINES_H_
#define ATTEND_CLI_INPUT_LINES_H_

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"

namespace attend {

inline constexpr size_t kLongestLine = 1 << 16;  // bytes of a line that are kept

/// A line without its end.
struct InputLine {
  std::string text;
  bool cut = false;  // it was longer than kLongestLine, and `text` is its beginning: whole characters
};

/// Lines of a descriptor as they come, without a byte-order mark before the first: nobody who types a line
/// has to wait for others. Of a line that is too long no more than its beginning is ever in memory.
class InputLines {
 public:
  explicit InputLines(int descriptor) : descriptor_(descriptor) {}

  /// The lines that are there, at least one and at most `most`; none once the input has ended. A last line
  /// without an end counts. Waits only while there is no whole line. Errors: kIo.
  Result<std::vector<InputLine>> next(size_t most);

 private:
  Status fill();
  void split(std::string_view block);
  void add_to_line(std::string_view part);
  void drop_mark();
  void end_line();

  int descriptor_;
  bool ended_ = false, at_first_ = true;
  std::deque<InputLine> whole_;
  InputLine begun_;
};

}  // namespace attend

#endif  // ATTEND_CLI_INPUT_LINES_H_
