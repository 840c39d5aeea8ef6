#include "cli/learning_options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace attend {

void add_optimiser_options(CLI::App& command, AdamWOptions& adamw) {
  command.add_option("--weight-decay", adamw.weight_decay, "Decay of matrices, times the learning rate")
      ->capture_default_str();
  command.add_option("--beta2", adamw.beta2, "AdamW's decay of squared gradients")->capture_default_str();
  command.add_option("--clip", adamw.clip, "Largest norm of the gradient; 0 for any")->capture_default_str();
}

void add_epoch_options(CLI::App& command, RunOptions& run) {
  command.add_option("--seed", run.seed, "Of everything random")->capture_default_str();
  command.add_option("--patience", run.patience, "Stop after so many epochs without a better score; 0 never")
      ->capture_default_str();
  command.add_option("--average", run.average, "How many of the best epochs are averaged at the end")
      ->capture_default_str();
}

void add_precision_option(CLI::App& command, Precision& precision) {
  const std::map<std::string, Precision> precisions = {{"float32", Precision::kFloat32},
                                                       {"bfloat16", Precision::kBFloat16}};
  command
      .add_option("--precision", precision,
                  "Of matrix products while learning: bfloat16 is faster where the processor has it")
      ->transform(CLI::CheckedTransformer(precisions))
      ->default_str("float32");
}

void add_start_option(CLI::App& command, RunOptions& run) {
  command
      .add_option("--start", run.start,
                  "Parameters to start from: another run's final.safetensors; the mean of several")
      ->check(CLI::ExistingFile);
}

}  // namespace attend
