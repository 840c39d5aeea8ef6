#include "cli/pull_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/pull_progress.h"
#include "cli/standard_output.h"
#include "cli/stop_signals.h"
#include "hub/hub_settings.h"
#include "hub/model_name.h"
#include "hub/pull.h"

namespace attend {
namespace {

int pull_model(const std::string& text) {
  const Result<ModelName> name = parse_model_name(text);
  if (!name.ok()) return fail("pull: " + name.status().message(), kUsageError);
  const Result<HubSettings> settings = hub_settings();
  if (!settings.ok()) {
    const bool usage = settings.status().code() == StatusCode::kInvalidArgument;
    return fail("pull: " + settings.status().message(), usage ? kUsageError : kSomeFailed);
  }
  watch_for_stop_signals();
  hold_stop_signals();
  PullProgress progress;
  const Result<Snapshot> model = pull(name.value(), settings.value(), progress);
  progress.finish();
  if (!model.ok()) {
    obey_stop_signal();
    return fail(model.status().message(), kSomeFailed);
  }
  const Status status = write_standard_output(model.value().folder + "\n");
  return status.ok() ? kDone : fail(status.message(), kSomeFailed);
}

}  // namespace

Command pull_command(CLI::App& program) {
  CLI::App* options = program.add_subcommand("pull", "Bring a captioner from the Hugging Face hub");
  const auto name = std::make_shared<std::string>();
  options
      ->add_option(
          "NAME", *name,
          "A name that 'attend models' lists, or OWNER/REPO; either with @REVISION (a branch, a tag,\n"
          "refs/pr/N, a commit)")
      ->required()
      ->type_name("");
  options->footer(
      "The model's folder goes to standard output; 'attend caption --model NAME' finds it there. A pull that "
      "was\n"
      "stopped goes on when the same command is given again. The cache is the one of Python's "
      "huggingface_hub, and\n"
      "so are the variables: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_HUB_OFFLINE, "
      "HF_HUB_DOWNLOAD_TIMEOUT.");
  return {options, [name] { return pull_model(*name); }};
}

}  // namespace attend
