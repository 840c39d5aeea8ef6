#include "end_to_end/program.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace attend {
namespace {

constexpr uid_t kNobody = 65534;

/// A file without a name, gone when it is closed.
class ScratchFile {
 public:
  ScratchFile() : file_(std::tmpfile()) {
    if (file_ == nullptr) ADD_FAILURE() << "cannot create a temporary file";
  }
  ~ScratchFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  int descriptor() const { return fileno(file_); }
  /// To be read from its beginning.
  void fill(const std::string& text) const {
    EXPECT_EQ(pwrite(descriptor(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string content() const {
    std::string text;
    std::array<char, 65536> buffer{};
    ssize_t count = 0;
    for (off_t at = 0; (count = pread(descriptor(), buffer.data(), buffer.size(), at)) > 0; at += count) {
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
  }

 private:
  std::FILE* file_;
};

/// The descriptor that a writer to a pipe without readers has.
int closed_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) ADD_FAILURE() << "cannot create a pipe";
  close(ends[0]);
  return ends[1];
}

void limit_to(decltype(RLIMIT_AS) what, const std::optional<uint64_t>& bytes) {
  const rlimit limit{bytes.value_or(0), bytes.value_or(0)};
  if (bytes && setrlimit(what, &limit) != 0) _exit(125);
}

/// In the child, between fork and exec: only what a signal handler may call.
[[noreturn]] void become_attend(int program, char* const* arguments, const Surroundings& surroundings, int in,
                                int out, int err) {
  dup2(in, STDIN_FILENO);
  dup2(err, STDERR_FILENO);
  if (surroundings.output == Surroundings::Output::kClosed) {
    close(STDOUT_FILENO);
  } else {
    dup2(out, STDOUT_FILENO);
  }
  std::signal(SIGPIPE, SIG_DFL);
  limit_to(RLIMIT_FSIZE, surroundings.largest_file);
  limit_to(RLIMIT_AS, surroundings.most_memory);
  if (!surroundings.folder.empty() && chdir(surroundings.folder.c_str()) != 0) _exit(125);
  if (surroundings.unprivileged && geteuid() == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(125);
  }
  fexecve(program, arguments, environ);
  _exit(126);
}

}  // namespace

Outcome run_attend(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  std::vector<std::string> words = {"attend"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  // By descriptor, so that one who may not enter the build's folder can still run what is in it.
  const int program = open(ATTEND_PROGRAM, O_RDONLY | O_CLOEXEC);
  if (program < 0) ADD_FAILURE() << "cannot open " << ATTEND_PROGRAM;
  ScratchFile input, captured, errors;
  input.fill(surroundings.input);
  int out = captured.descriptor();
  if (surroundings.output == Surroundings::Output::kClosedPipe) out = closed_pipe();
  if (surroundings.output == Surroundings::Output::kFullDisk) out = open("/dev/full", O_WRONLY | O_CLOEXEC);

  int err = errors.descriptor();
  if (surroundings.errors_on_full_disk) err = open("/dev/full", O_WRONLY | O_CLOEXEC);

  const pid_t child = fork();
  if (child == 0) become_attend(program, pointers.data(), surroundings, input.descriptor(), out, err);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) ADD_FAILURE() << "cannot run " << ATTEND_PROGRAM;
  close(program);
  if (out != captured.descriptor()) close(out);
  if (err != errors.descriptor()) close(err);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), captured.content(),
          errors.content()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace attend
