#include "cli/command.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "cli/printable.h"

namespace attend {

int fail(std::string_view message, int code) {
  const std::string line = fmt::format("attend: {}\n", printable(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
  return code;
}

}  // namespace attend
