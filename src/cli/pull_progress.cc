#include "cli/pull_progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/command.h"
#include "cli/printable.h"
#include "cli/stop_signals.h"

namespace attend {
namespace {

int64_t megabytes(uint64_t bytes) {
  constexpr uint64_t kMegabyte = 1'000'000;
  return static_cast<int64_t>((bytes + kMegabyte / 2) / kMegabyte);
}

}  // namespace

void PullProgress::begins(uint64_t total, uint64_t here) {
  first_ = here_ = here;
  start_ = std::chrono::steady_clock::now();
  if (here < total) bar_.emplace(megabytes(total), "MB", megabytes(here));
}

void PullProgress::advanced(uint64_t here, const std::string& doing) {
  here_ = here;
  if (bar_) bar_->update(megabytes(here), doing);
}

void PullProgress::says(const std::string& sentence) {
  const std::string line = "attend: " + printable(sentence);
  if (bar_) {
    bar_->line(line);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

bool PullProgress::should_stop() {
  return stop_signal_came();
}

void PullProgress::finish() {
  if (!bar_) return;
  const bool terminal = bar_->visible();
  bar_->finish();
  if (!terminal || here_ <= first_) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  bar_->line(fmt::format("{} MB in {}", megabytes(here_ - first_), duration_text(seconds)));
}

}  // namespace attend
