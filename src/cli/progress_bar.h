// How far a long command has come, for a person at a terminal. Nothing is drawn on a pipe or in a file.
#ifndef ATTEND_CLI_PROGRESS_BAR_H_
#define ATTEND_CLI_PROGRESS_BAR_H_

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace attend {

/// What a bar shows at one moment.
struct Progress {
  int64_t done = 0;
  int64_t total = 0;
  int64_t first = 0;      // done when the clock started (a resumed run): not counted in the rate
  double seconds = 0;     // since the clock started
  std::string_view unit;  // plural: "photos"
  std::string_view note;  // shown at the end, "loss 3.21"
};

/// "12/60 photos [####----------------]  20 %  3.9 photos/s  12 s left  NOTE", cut to `columns` characters;
/// the bar itself takes what room the words leave. The rate and the time left appear once there is something
/// to measure.
std::string progress_line(const Progress& progress, int columns);

/// "9 s", "3 min 20 s", "2 h 05 min".
std::string duration_text(double seconds);

/// One line at the bottom of a terminal, redrawn at most ten times a second, gone after finish().
class ProgressBar {
 public:
  /// Draws on `descriptor` if that is a terminal that can move its cursor. `first`: what an earlier run had
  /// done.
  ProgressBar(int64_t total, std::string unit, int64_t first = 0, int descriptor = STDERR_FILENO);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Whether anybody sees it.
  bool visible() const { return enabled_; }

  void update(int64_t done, std::string_view note = {});

  /// Writes a whole line (a message about one file) above the bar; also where no bar is drawn.
  void line(std::string_view text);

  /// Takes the bar off the screen, so that something else can be written there; the next update() redraws it.
  void clear();

  /// clear(), and draws no more.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  void write(std::string_view text) const;

  const int64_t total_, first_;
  const std::string unit_;
  const int descriptor_;
  bool enabled_;
  bool drawn_ = false;
  int64_t done_;
  std::string note_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_ = start_;
};

}  // namespace attend

#endif  // ATTEND_CLI_PROGRESS_BAR_H_
