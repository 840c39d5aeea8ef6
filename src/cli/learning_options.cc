#include "cli/learning_options.h"

#include "cli/checked_options.h"

namespace attend {

void add_run_options(CLI::App& command, std::string& run, std::string& out) {
  not_empty(command.add_option("--run", run, "The folder of this run: checkpoints, log, curve"))->required();
  not_empty(command.add_option("--out", out, "The model file, written whenever a better model is found"));
}

void add_optimiser_options(CLI::App& command, AdamWOptions& adamw) {
  command.add_option("--weight-decay", adamw.weight_decay, "Decay of matrices, times the learning rate")
      ->capture_default_str();
  command.add_option("--beta2", adamw.beta2, "AdamW's decay of squared gradients")->capture_default_str();
  command.add_option("--clip", adamw.clip, "Largest norm of the gradient; 0 for any")->capture_default_str();
}

void add_epoch_options(CLI::App& command, RunOptions& run) {
  add_number(command, "--seed", run.seed, kSeeds, "Of everything random");
  command.add_option("--patience", run.patience, "Stop after so many epochs without a better score; 0 never")
      ->capture_default_str();
  command.add_option("--average", run.average, "How many of the best epochs are averaged at the end")
      ->capture_default_str();
  add_number(command, "--save-every", run.save_seconds, {0, 1e9}, "Seconds between checkpoints");
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
