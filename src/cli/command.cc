#include "cli/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/printable.h"
#include "cli/write_all.h"

namespace attend {

int fail(std::string_view message, int code) {
  say(fmt::format("attend: {}", printable(message)));
  return code;
}

void say(std::string_view line) {
  (void)write_all(STDERR_FILENO, fmt::format("{}\n", line));  // where that fails, nobody can be told
}

}  // namespace attend
