#include "cli/caption_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/caption_arguments.h"
#include "cli/caption_run.h"
#include "cli/model_source.h"
#include "cli/photo_paths.h"
#include "cli/stop_signals.h"
#include "cli/threads_option.h"

namespace attend {
namespace {

Status create_maps_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return {StatusCode::kIo, folder + ": cannot create the folder for maps: " + error.message()};
}

/// What --weights cost.
void report_rounding(const Captioner& captioner) {
  const auto note = captioner.notes().find("rounded to");
  if (note != captioner.notes().end()) say("attend: weights rounded to " + note->second);
}

/// One file that was named needs no name in front of its caption; files found in a folder do.
bool rows_need_names(const std::vector<std::string>& paths) {
  std::error_code ignored;
  return paths.size() > 1 || std::filesystem::is_directory(paths.front(), ignored);
}

int caption(const CaptionArguments& arguments) {
  watch_for_stop_signals();
  hold_stop_signals();
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<Captioner> captioner = load_captioner(arguments.model, *executor, arguments.weights);
  if (!captioner.ok()) return fail_to_load("caption", captioner.status(), arguments.weights);
  obey_stop_signal();
  report_rounding(captioner.value());
  if (Status status = captioner.value().check(caption_options(arguments)); !status.ok())
    return fail_to_follow("caption", status);
  if (arguments.maps) {
    if (Status status = create_maps_folder(*arguments.maps); !status.ok())
      return fail(status.message(), kSomeFailed);
  }
  CaptionRun run(arguments, captioner.value(), find_photos(arguments.paths, arguments.recursive),
                 rows_need_names(arguments.paths));
  return run.run();
}

}  // namespace

Command caption_command(CLI::App& program) {
  CLI::App* options =
      program.add_subcommand("caption", "Say what photographs show, and where each word looked");
  const auto arguments = std::make_shared<CaptionArguments>();
  add_caption_arguments(*options, *arguments);
  options->footer(
      "A folder stands for the image files in it. A file that cannot be captioned gets a line on standard "
      "error,\n"
      "and the others are still done. - is a photograph on standard input. Contact sheets (*.maps.png) in "
      "folders\n"
      "are passed over. Control characters in a path are spelled \\n, \\t or \\xHH in text rows; jsonl rows "
      "add\n"
      "\"file_bytes\", in hexadecimal digits, where a path is not UTF-8.");
  return {options, [arguments] { return caption(*arguments); }};
}

}  // namespace attend
