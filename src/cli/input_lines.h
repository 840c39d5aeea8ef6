// Standard input, a few lines at a time.
#ifndef ATTEND_CLI_INPUT_LINES_H_
#define ATTEND_CLI_INPUT_LINES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "attend/status.h"

namespace attend {

/// Lines of a descriptor as they come: nobody who types a line has to wait for others.
class InputLines {
 public:
  explicit InputLines(int descriptor) : descriptor_(descriptor) {}

  /// The lines that are there, at least one and at most `most`, without their ends; none once the input has
  /// ended. A last line without an end counts. Waits only while there is no whole line. Errors: kIo;
  /// kInvalidArgument for a line longer than a mebibyte.
  Result<std::vector<std::string>> next(size_t most);

 private:
  Status fill();

  int descriptor_;
  bool ended_ = false;
  std::string text_;
};

}  // namespace attend

#endif  // ATTEND_CLI_INPUT_LINES_H_
