#include "cli/train_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "cli/command.h"
#include "cli/stop_signals.h"

namespace attend {
namespace {

constexpr std::chrono::seconds kBetweenLines{30};

}  // namespace

TrainProgress::TrainProgress(std::string examples)
    : examples_(std::move(examples)), terminal_(::isatty(STDERR_FILENO) == 1) {}

bool TrainProgress::should_stop() {
  return stop_signal_came();
}

void TrainProgress::show(int64_t done, int64_t total, const char* unit, const std::string& note) {
  const Clock::time_point now = Clock::now();
  if (total != total_ || done < first_) {
    bar_.emplace(total, unit, done);
    total_ = total;
    first_ = done;
    began_ = now;
    next_line_ = now;
  }
  if (terminal_) {
    bar_->update(done, note);
  } else if (now >= next_line_ || done == total) {
    const double seconds = std::chrono::duration<double>(now - began_).count();
    std::string text = fmt::format("{}/{} {}", done, total, unit);
    if (done > first_) {
      const double left = seconds / static_cast<double>(done - first_) * static_cast<double>(total - done);
      text += fmt::format(", {} left", duration_text(left));
    }
    bar_->line(note.empty() ? text : text + ", " + note);
    next_line_ = now + kBetweenLines;
  }
}

void TrainProgress::encoded(int64_t photos, int64_t total) {
  show(photos, total, "photos encoded", {});
}

void TrainProgress::stepped(const StepReport& report) {
  const std::string learned = report.reward > 0 ? fmt::format("reward {:.3f}", report.reward)
                                                : fmt::format("loss {:.3f}", report.loss);
  show(report.step, report.steps, "steps",
       fmt::format("epoch {}/{}, {}, {:.0f} {}/s", report.epoch, report.epochs, learned,
                   report.examples_per_second, examples_));
}

Status TrainProgress::validated(const EpochReport& report) {
  std::string text = report.averaged ? "mean of the best epochs" : fmt::format("epoch {}", report.epoch);
  if (report.loss > 0 && !report.averaged) text += fmt::format(", loss {:.4f}", report.loss);
  for (const SetScores& scores : report.scores) text += ", " + scores.set + " " + scores.text;
  if (report.best) text += ", best";
  if (bar_) {
    bar_->line(text);
  } else {
    say(text);
  }
  return {};
}

}  // namespace attend
