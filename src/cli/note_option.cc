#include "cli/note_option.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/printable.h"
#include "language/utf8.h"

namespace attend {
namespace {

void add_note(const std::string& note, ModelNotes& notes) {
  const size_t equals = note.find('=');
  if (equals == 0 || equals == std::string::npos || !is_utf8(note)) {
    throw CLI::ValidationError("--note", "\"" + printable(note) + "\" is not KEY=TEXT");
  }
  const std::string key = note.substr(0, equals);
  if (key == kRecipeNote || !notes.emplace(key, note.substr(equals + 1)).second) {
    throw CLI::ValidationError("--note", printable(key) + " is already there");
  }
}

}  // namespace

void add_note_option(CLI::App& command, ModelNotes& notes) {
  using Words = std::vector<std::string>;
  const auto add_all = [&notes](const Words& given) {
    for (const std::string& note : given) add_note(note, notes);
  };
  command
      .add_option_function<Words>(
          "--note", add_all,
          "Text for people in the model file, such as licence=Apache-2.0; may be given several times")
      ->type_name("KEY=TEXT")
      ->allow_extra_args(false);
}

}  // namespace attend
