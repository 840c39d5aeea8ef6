// Runs the built program as a shell would, and keeps what came out.
#ifndef ATTEND_TESTS_END_TO_END_PROGRAM_H_
#define ATTEND_TESTS_END_TO_END_PROGRAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attend {

/// What surrounds a run.
struct Surroundings {
  std::string input;  // of standard input
  enum class Output { kCaptured, kClosedPipe, kClosed, kFullDisk } output = Output::kCaptured;
  bool errors_on_full_disk = false;      // standard error takes nothing
  std::optional<uint64_t> largest_file;  // bytes; the program's writes past it fail, as on a full disk
  std::optional<uint64_t> most_memory;   // bytes of addresses
  bool unprivileged = false;  // when root runs the tests: run as nobody, who may not read everything
  std::string folder;         // the working folder; empty: the tests' own
};

struct Outcome {
  int exit_code = -1;  // 128 + the signal, when one ended the program
  std::string out, err;
};

Outcome run_attend(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});

/// The lines of `text`; a last line without a line feed counts.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace attend

#endif  // ATTEND_TESTS_END_TO_END_PROGRAM_H_
