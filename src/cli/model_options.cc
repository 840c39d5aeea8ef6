#include "cli/model_options.h"

#include "cli/checked_options.h"

namespace attend {

CLI::Option* add_captioner_option(CLI::App& command, std::string& model) {
  return not_empty(command.add_option(
                       "--model", model,
                       "A model file, the folder of a published BLIP, ViT-GPT2 or GIT checkpoint, or the "
                       "name of one that `attend pull` has brought, instead of the model inside the program"))
      ->type_name("MODEL");
}

void add_model_options(CLI::App& command, std::string& model, WeightPrecision& weights) {
  CLI::Option* of = add_captioner_option(command, model);
  add_choice(
      command, "--weights", weights,
      {{"stored", WeightPrecision::kAsStored},
       {"bf16", WeightPrecision::kBFloat16},
       {"int8", WeightPrecision::kInt8}},
      "Of a published checkpoint: as they are stored, or rounded to bf16 or int8 as they are read: less "
      "memory, faster words, and on standard error how much was lost")
      ->needs(of);
}

}  // namespace attend
