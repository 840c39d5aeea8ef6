// What all model files of this project have in common: a format, 16-bit tensors, notes.
#ifndef ATTEND_MODEL_MODEL_TENSORS_H_
#define ATTEND_MODEL_MODEL_TENSORS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"
#include "checkpoint/safetensors.h"
#include "nn/parameter.h"

namespace attend {

/// Text for people, by keys such as "training data", "licence" and "scores".
using ModelNotes = std::map<std::string, std::string>;

/// Notes as metadata "note.KEY", and back.
void add_notes(const ModelNotes& notes, std::map<std::string, std::string>& metadata);
ModelNotes notes_of(const Safetensors& file);

/// Adds a tensor that is to be stored in 16-bit floats. `values` is borrowed. Errors: kInvalidArgument for
/// one past their range.
Status add_halves(const std::string& name, const std::vector<int64_t>& shape, std::span<const float> values,
                  std::vector<TensorToWrite>& tensors);

/// By its bytes, which the file's header has been checked against.
int64_t element_count(const CheckpointTensor& tensor);
/// Of all tensors.
int64_t numbers_in(const Safetensors& file);

/// Errors: kCorrupt without a format, kUnsupported for another than `format`.
Status check_format(const Safetensors& file, std::string_view format);

/// No more memory for parameters than a small multiple of the file itself. Errors: kCorrupt.
Status check_size(const Safetensors& file, int64_t parameters);

/// Reads every parameter. Errors: kCorrupt for one that is missing, misshapen or not finite, and for a tensor
/// that is no parameter and not `other`.
Status read_parameters(const Safetensors& file, const std::function<bool(const std::string&)>& other,
                       const ParameterList<float>& parameters);

}  // namespace attend

#endif  // ATTEND_MODEL_MODEL_TENSORS_H_
