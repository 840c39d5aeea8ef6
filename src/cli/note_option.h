// Text for people in the model files that training writes.
#ifndef ATTEND_CLI_NOTE_OPTION_H_
#define ATTEND_CLI_NOTE_OPTION_H_

#include "model/model_tensors.h"

namespace CLI {
class App;
}

namespace attend {

/// The key of the note in which a model file tells how it was trained.
inline constexpr const char* kRecipeNote = "recipe";

/// Adds --note KEY=TEXT, which may be given several times and fills `notes`, which must outlive the command.
void add_note_option(CLI::App& command, ModelNotes& notes);

}  // namespace attend

#endif  // ATTEND_CLI_NOTE_OPTION_H_
