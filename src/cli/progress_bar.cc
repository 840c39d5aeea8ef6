#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cli/write_all.h"

namespace attend {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery(100);
constexpr std::string_view kEraseLine = "\r\x1b[K";

bool can_draw_on(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

int columns_of(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string rate_text(double per_second, std::string_view unit) {
  return fmt::format("{:.{}f} {}/s", per_second, per_second < 10 ? 1 : 0, unit);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(const Progress& progress, int columns) {
  const double share =
      progress.total > 0
          ? std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total), 0.0, 1.0)
          : 0.0;
  const std::string before = fmt::format("{}/{} {} ", progress.done, progress.total, progress.unit);
  std::string after = fmt::format(" {:3.0f} %", 100 * share);
  const int64_t since_start = progress.done - progress.first;
  if (since_start > 0 && progress.seconds > 0) {
    const double per_second = static_cast<double>(since_start) / progress.seconds;
    const auto remaining = static_cast<double>(std::max<int64_t>(progress.total - progress.done, 0));
    after += fmt::format("  {}  {} left", rate_text(per_second, progress.unit),
                         duration_text(remaining / per_second));
  }
  if (!progress.note.empty()) after += fmt::format("  {}", progress.note);

  constexpr int kLeast = 8, kMost = 40;
  const int room = columns - static_cast<int>(before.size() + after.size()) - 2;
  std::string line = before;
  if (room >= kLeast) {
    const auto width = static_cast<size_t>(std::min(room, kMost));
    const auto full = static_cast<size_t>(share * static_cast<double>(width));
    line += '[' + std::string(full, '#') + std::string(width - full, '-') + ']';
  }
  line += after;
  if (line.size() > static_cast<size_t>(std::max(columns, 0)))
    line.resize(static_cast<size_t>(std::max(columns, 0)));
  return line;
}

ProgressBar::ProgressBar(int64_t total, std::string unit, int64_t first, int descriptor)
    : total_(total),
      first_(first),
      unit_(std::move(unit)),
      descriptor_(descriptor),
      enabled_(can_draw_on(descriptor)),
      done_(first) {}

void ProgressBar::update(int64_t done, std::string_view note) {
  done_ = done;
  note_ = note;
  if (enabled_ && (!drawn_ || Clock::now() >= next_draw_)) draw();
}

void ProgressBar::line(std::string_view text) {
  const bool redraw = drawn_;
  clear();
  write(fmt::format("{}\n", text));
  if (redraw) draw();
}

void ProgressBar::clear() {
  if (drawn_) write(kEraseLine);
  drawn_ = false;
}

void ProgressBar::finish() {
  clear();
  enabled_ = false;
}

void ProgressBar::draw() {
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const Progress progress{done_, total_, first_, seconds, unit_, note_};
  // The last column stays free: a character there makes some terminals wrap.
  write(fmt::format("{}{}", kEraseLine, progress_line(progress, columns_of(descriptor_) - 1)));
  drawn_ = true;
  next_draw_ = now + kRedrawEvery;
}

void ProgressBar::write(std::string_view text) const {
  (void)write_all(descriptor_, text);  // where that fails, nobody is left to be told
}

}  // namespace attend
