#include "training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/atomic_file.h"
#include "training/average.h"
#include "training/curve.h"

namespace attend {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

}  // namespace

/// The steps since the last row of the log.
struct Trainer::Window {
  double seconds = 0, loss = 0, words = 0, reward = 0;
  int64_t examples = 0, steps = 0;

  void add(const StepResult& result, double step_seconds) {
    seconds += step_seconds;
    loss += result.loss;
    words += result.words;
    reward += result.reward;
    examples += result.examples;
    ++steps;
  }
};

Trainer::Trainer(Learner& learner, const RunOptions& options, std::string recipe, std::string folder)
    : learner_(learner), options_(options), recipe_(std::move(recipe)), folder_(std::move(folder)) {}

std::string Trainer::epoch_file(int64_t epoch) const {
  return fmt::format("{}/epochs/{}.safetensors", folder_, epoch);
}

Result<Trainer::Outcome> Trainer::run(TrainingObserver& observer) {
  ATTEND_RETURN_IF_ERROR(begin(observer));
  if (progress_.finished) {
    ATTEND_RETURN_IF_ERROR(load_parameters(folder_ + "/final.safetensors", learner_.parameters()));
    return Outcome::kFinished;
  }
  while (progress_.epoch < options_.epochs) {
    const bool patient = options_.patience == 0 || progress_.best_epoch < 0 ||
                         progress_.epoch - progress_.best_epoch < options_.patience;
    if (!patient) break;
    Result<Outcome> outcome = train_epoch(observer);
    if (!outcome.ok() || outcome.value() == Outcome::kStopped) return outcome;
  }
  ATTEND_RETURN_IF_ERROR(conclude(observer));
  return Outcome::kFinished;
}

/// Takes the run up where its checkpoint left it, or starts it.
Status Trainer::begin(TrainingObserver& observer) {
  std::error_code error;
  std::filesystem::create_directories(folder_ + "/epochs", error);
  if (error) return {StatusCode::kIo, folder_ + "/epochs: cannot make the folder: " + error.message()};
  for (const char* part : {"", "/epochs"}) remove_leftovers(folder_ + part);
  Result<TrainingProgress> saved = load_training(folder_ + "/checkpoint.safetensors", recipe_,
                                                 learner_.parameters(), learner_.optimiser());
  const bool fresh = !saved.ok() && saved.status().code() == StatusCode::kNotFound &&
                     !std::filesystem::exists(folder_ + "/checkpoint.safetensors", error);
  if (!saved.ok() && !fresh) return saved.status();
  if (!fresh) {
    progress_ = saved.value();
    ATTEND_RETURN_IF_ERROR(check_progress());
  }

  const RunTerms terms = learner_.terms();
  Result<TrainingLog> log =
      TrainingLog::open(folder_ + "/log.tsv", terms, fresh ? -1 : progress_.step, progress_.epoch);
  if (!log.ok()) return log.status();
  log_ = std::move(log).value();
  const bool from_files = fresh && !options_.start.empty();
  if (from_files) ATTEND_RETURN_IF_ERROR(average_parameters(options_.start, learner_.parameters()));
  if (fresh && !from_files) initialize(learner_.parameters(), options_.seed);
  ATTEND_RETURN_IF_ERROR(write_file(folder_ + "/recipe.json", recipe_));
  return from_files ? judge(0, observer) : Status();
}

/// No run comes to a place beyond its end; a checkpoint that says so is damaged.
Status Trainer::check_progress() const {
  if (progress_.epoch <= options_.epochs && progress_.batch <= learner_.batches()) return {};
  return {StatusCode::kCorrupt,
          fmt::format("{}/checkpoint.safetensors: at epoch {} of {} and batch {} of {}", folder_,
                      progress_.epoch, options_.epochs, progress_.batch, learner_.batches())};
}

Result<Trainer::Outcome> Trainer::train_epoch(TrainingObserver& observer) {
  Window window;
  Clock::time_point saved = Clock::now();
  while (progress_.batch < learner_.batches()) {
    ATTEND_RETURN_IF_ERROR(take_step(window, observer));
    const bool stop = observer.should_stop();
    if (stop || seconds_since(saved) > options_.save_seconds) {
      ATTEND_RETURN_IF_ERROR(save());
      saved = Clock::now();
    }
    if (stop) return Outcome::kStopped;
  }
  ATTEND_RETURN_IF_ERROR(judge(progress_.epoch + 1, observer));
  return Outcome::kFinished;
}

Status Trainer::take_step(Window& window, TrainingObserver& observer) {
  const Clock::time_point began = Clock::now();
  const StepResult result = learner_.step(progress_.epoch, progress_.batch, progress_.step);
  const double seconds = seconds_since(began);
  if (!std::isfinite(result.gradient_norm)) {
    return {StatusCode::kInvalidArgument,
            fmt::format("step {}: the gradient's norm is {}; a lower learning rate may help",
                        progress_.step + 1, result.gradient_norm)};
  }
  ++progress_.batch;
  ++progress_.step;
  progress_.epoch_loss += result.loss;
  progress_.epoch_words += result.words;
  window.add(result, seconds);
  seconds_ += seconds;
  ++timed_steps_;
  const StepReport report = report_of(window, result);
  observer.stepped(report);
  if (window.steps < options_.log_steps) return {};
  window = Window();
  LogRow row;
  row.step = report.step;
  row.epoch = report.epoch;
  row.loss = report.loss;
  row.learning_rate = report.learning_rate;
  row.gradient_norm = report.gradient_norm;
  row.examples_per_second = report.examples_per_second;
  row.reward = report.reward;
  return log_->add(row);
}

StepReport Trainer::report_of(const Window& window, const StepResult& result) const {
  StepReport report;
  report.epoch = progress_.epoch + 1;
  report.epochs = options_.epochs;
  report.step = progress_.step;
  report.steps = total_steps();
  report.loss = window.loss / window.words;
  report.reward = window.reward / static_cast<double>(window.steps);
  report.learning_rate = result.learning_rate;
  report.gradient_norm = result.gradient_norm;
  report.examples_per_second = static_cast<double>(window.examples) / window.seconds;
  report.seconds_left =
      seconds_ / static_cast<double>(timed_steps_) * static_cast<double>(report.steps - report.step);
  return report;
}

/// Ends the epoch: validates the parameters as they are, and keeps them if they are among the best. The
/// observer, who may fail, hears of it once the checkpoint is written.
Status Trainer::judge(int64_t epoch, TrainingObserver& observer) {
  Result<EpochReport> report = judged(epoch);
  if (!report.ok()) return report.status();
  report.value().best = progress_.best.empty() || report.value().score > progress_.best.front().score;
  ATTEND_RETURN_IF_ERROR(keep(report.value()));
  for (const SetScores& scores : report.value().scores) {
    LogRow row;
    row.step = progress_.step;
    row.epoch = epoch;
    row.set = scores.set;
    row.score = scores.score;
    row.second = scores.second;
    ATTEND_RETURN_IF_ERROR(log_->add(row));
  }
  ATTEND_RETURN_IF_ERROR(
      write_file(folder_ + "/curve.svg", draw_curve(log_->rows(), learner_.terms().title)));
  progress_.epoch = epoch;
  progress_.batch = 0;
  progress_.epoch_loss = progress_.epoch_words = 0;
  ATTEND_RETURN_IF_ERROR(save());
  return observer.validated(report.value());
}

Result<EpochReport> Trainer::judged(int64_t epoch) {
  EpochReport report;
  report.epoch = epoch;
  report.loss = progress_.epoch_words > 0 ? progress_.epoch_loss / progress_.epoch_words : 0;
  Result<std::vector<SetScores>> scores = learner_.judge();
  if (!scores.ok()) return scores.status();
  report.scores = std::move(scores).value();
  const double sets = static_cast<double>(report.scores.size());
  for (const SetScores& set : report.scores) report.score += set.score / sets;
  if (report.scores.empty()) report.score = static_cast<double>(epoch);
  return report;
}

/// Files of epochs that fall out of the best are removed only once the checkpoint no longer speaks of them:
/// see save().
Status Trainer::keep(const EpochReport& report) {
  std::vector<EpochScore>& best = progress_.best;
  const auto place = std::find_if(best.begin(), best.end(),
                                  [&](const EpochScore& other) { return report.score > other.score; });
  best.insert(place, EpochScore{report.epoch, report.score});
  if (static_cast<int64_t>(best.size()) > options_.average) best.pop_back();
  progress_.best_epoch = best.front().epoch;
  const bool kept =
      std::any_of(best.begin(), best.end(), [&](const EpochScore& e) { return e.epoch == report.epoch; });
  return kept ? save_parameters(epoch_file(report.epoch), learner_.parameters()) : Status();
}

/// The mean of the best epochs, or the best one where the mean is no better.
Status Trainer::conclude(TrainingObserver& observer) {
  std::vector<std::string> files;
  for (const EpochScore& epoch : progress_.best) files.push_back(epoch_file(epoch.epoch));
  ATTEND_RETURN_IF_ERROR(average_parameters(files, learner_.parameters()));
  std::optional<EpochReport> mean;
  if (files.size() > 1) {
    Result<EpochReport> report = judged(progress_.epoch);
    if (!report.ok()) return report.status();
    const bool validated = !report.value().scores.empty();
    report.value().averaged = true;
    report.value().best = report.value().score > progress_.best.front().score;
    if (validated && !report.value().best)
      ATTEND_RETURN_IF_ERROR(load_parameters(files.front(), learner_.parameters()));
    if (validated) mean = std::move(report).value();
  }
  ATTEND_RETURN_IF_ERROR(save_parameters(folder_ + "/final.safetensors", learner_.parameters()));
  progress_.finished = true;
  ATTEND_RETURN_IF_ERROR(save());
  return mean ? observer.validated(*mean) : Status();
}

Status Trainer::save() {
  ATTEND_RETURN_IF_ERROR(save_training(folder_ + "/checkpoint.safetensors", recipe_, progress_,
                                       learner_.parameters(), learner_.optimiser()));
  std::error_code ignored;
  for (int64_t epoch = 0; epoch <= progress_.epoch; ++epoch) {
    const bool kept = std::any_of(progress_.best.begin(), progress_.best.end(),
                                  [epoch](const EpochScore& best) { return best.epoch == epoch; });
    if (!kept) std::filesystem::remove(epoch_file(epoch), ignored);
  }
  return {};
}

}  // namespace attend
