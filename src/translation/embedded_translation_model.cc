#include "translation/embedded_translation_model.h"

// The two ends of the assembler's section (cmake/embedded_model.S.in).
extern "C" {
extern const std::byte attend_embedded_translation_model_begin[];  // NOLINT(modernize-avoid-c-arrays)
extern const std::byte attend_embedded_translation_model_end[];    // NOLINT(modernize-avoid-c-arrays)
}

namespace attend {

std::span<const std::byte> embedded_translation_model() {
  return {attend_embedded_translation_model_begin, attend_embedded_translation_model_end};
}

}  // namespace attend
