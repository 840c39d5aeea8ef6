#include "cli/model_options.h"

#include <CLI/CLI.hpp>
#include <map>

namespace attend {

void add_model_options(CLI::App& command, std::string& model, WeightPrecision& weights) {
  command
      .add_option(
          "--model", model,
          "A model file, the folder of a published BLIP, ViT-GPT2 or GIT checkpoint, or the name of one that "
          "`attend pull` has brought, instead of the model inside the program")
      ->type_name("MODEL");
  const std::map<std::string, WeightPrecision> precisions = {{"stored", WeightPrecision::kAsStored},
                                                             {"bf16", WeightPrecision::kBFloat16},
                                                             {"int8", WeightPrecision::kInt8}};
  command
      .add_option(
          "--weights", weights,
          "Of a published checkpoint: as they are stored, or rounded to bf16 or int8 as they are read: less "
          "memory, faster words, and on standard error how much was lost")
      ->transform(CLI::CheckedTransformer(precisions).description(""))
      ->type_name("stored|bf16|int8");
}

}  // namespace attend
