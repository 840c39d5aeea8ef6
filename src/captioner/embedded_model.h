// The model that was built into the program.
#ifndef ATTEND_CAPTIONER_EMBEDDED_MODEL_H_
#define ATTEND_CAPTIONER_EMBEDDED_MODEL_H_

#include <cstddef>
#include <span>

namespace attend {

/// The bytes of the model file that the build was given (the CMake variable ATTEND_MODEL), in the program's
/// read-only data: pages that nobody reads are never loaded. Aligned to 64 bytes; empty when it was given
/// none.
std::span<const std::byte> embedded_model();

}  // namespace attend

#endif  // ATTEND_CAPTIONER_EMBEDDED_MODEL_H_
