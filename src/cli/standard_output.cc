#include "cli/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "cli/write_all.h"

namespace attend {

void guard_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // open() takes the lowest free number, which is this one: those below it are taken.
    if (fcntl(descriptor, F_GETFD) == -1) (void)open("/dev/null", O_RDONLY);
  }
}

Status write_standard_output(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return {};
  return {StatusCode::kIo, "standard output: " + std::generic_category().message(errno)};
}

}  // namespace attend
