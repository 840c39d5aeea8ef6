// The translation model that was built into the program.
#ifndef ATTEND_TRANSLATION_EMBEDDED_TRANSLATION_MODEL_H_
#define ATTEND_TRANSLATION_EMBEDDED_TRANSLATION_MODEL_H_

#include <cstddef>
#include <span>

namespace attend {

/// The bytes of the model file that the build was given (the CMake variable ATTEND_TRANSLATION_MODEL); as
/// embedded_model() otherwise.
std::span<const std::byte> embedded_translation_model();

}  // namespace attend

#endif  // ATTEND_TRANSLATION_EMBEDDED_TRANSLATION_MODEL_H_
