// Everything that is checked about a decoding call before anything is written.
#ifndef ATTEND_DECODE_DECODE_VALIDATE_H_
#define ATTEND_DECODE_DECODE_VALIDATE_H_

#include "attend/decode.h"

namespace attend {

/// OK when the operands and options fit each other and the contract of decode.h. Otherwise kInvalidArgument,
/// or kUnsupported for a type or an instruction set, in a sentence that names the operand, the axis and both
/// numbers.
Status validate(const DecodeTensors& tensors, const DecodeOptions& options);
Status validate(const MergeTensors& tensors);

}  // namespace attend

#endif  // ATTEND_DECODE_DECODE_VALIDATE_H_
