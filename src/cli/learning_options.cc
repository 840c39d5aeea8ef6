#include "cli/learning_options.h"

#include "cli/checked_options.h"
#include "cli/note_option.h"
#include "model/block_config.h"

namespace attend {

void add_block_options(CLI::App& command, int64_t& width, int& heads, int64_t& hidden) {
  add_number(command, "--width", width, kBlockWidths, "Width of the model");
  add_number(command, "--heads", heads, kBlockHeads, "Attention heads");
  add_number(command, "--hidden", hidden, kBlockHiddenWidths, "Width of the feed-forward networks");
}

void add_run_options(CLI::App& command, TrainingRun& run) {
  not_empty(command.add_option("--run", run.folder, "The folder of this run: checkpoints, log, curve"))
      ->required();
  not_empty(command.add_option("--out", run.out, "The model file, written whenever a better model is found"));
  add_note_option(command, run.notes);
}

void add_rate_options(CLI::App& command, LearningOptions& learning) {
  add_number(command, "--lr", learning.rate, learning.kRate, "Highest learning rate");
  add_number(command, "--warmup", learning.warmup, learning.kWarmup, "Steps until the highest learning rate");
  add_number(command, "--label-smoothing", learning.label_smoothing, learning.kLabelSmoothing,
             "Probability spread over the whole vocabulary");
}

void add_optimiser_options(CLI::App& command, AdamWOptions& adamw) {
  add_number(command, "--weight-decay", adamw.weight_decay, adamw.kWeightDecay,
             "Decay of matrices, times the learning rate");
  add_number(command, "--beta2", adamw.beta2, adamw.kBeta2, "AdamW's decay of squared gradients");
  add_number(command, "--clip", adamw.clip, adamw.kClip, "Largest norm of the gradient; 0 for any");
}

void add_epoch_options(CLI::App& command, RunOptions& run) {
  add_number(command, "--seed", run.seed, kSeeds, "Of everything random");
  add_number(command, "--patience", run.patience, run.kPatience,
             "Stop after so many epochs without a better score; 0 never");
  add_number(command, "--average", run.average, run.kAverage,
             "How many of the best epochs are averaged at the end");
  add_number(command, "--save-every", run.save_seconds, run.kSaveSeconds, "Seconds between checkpoints");
}

void add_precision_option(CLI::App& command, Precision& precision) {
  add_choice(command, "--precision", precision,
             {{"float32", Precision::kFloat32}, {"bfloat16", Precision::kBFloat16}},
             "Of matrix products while learning: bfloat16 is faster where the processor has it");
}

void add_start_option(CLI::App& command, RunOptions& run) {
  not_empty(
      command.add_option("--start", run.start,
                         "Parameters to start from: another run's final.safetensors; the mean of several"))
      ->check(CLI::ExistingFile);
}

}  // namespace attend
