// A translation model as one safetensors file.
//
//   tensors    "encoder...", "decoder..."; "pieces", the bytes of its SentencePiece model
//   metadata   format       "attend.translator/1"
//              config       JSON: languages and shapes (see translation_config.h)
//              generation   JSON: defaults of the beam search
//              note.KEY     text for people: training data, licence, scores
//
// A file is hostile until proven otherwise: nothing is allocated by what it claims, only by what it holds.
#ifndef ATTEND_TRANSLATION_TRANSLATION_FILE_H_
#define ATTEND_TRANSLATION_TRANSLATION_FILE_H_

#include <string>

#include "attend/status.h"
#include "language/sentence_pieces.h"
#include "model/model_tensors.h"
#include "translation/translation_config.h"

namespace attend {

struct TranslationModelToWrite {
  TranslationModel<float>& model;
  const TranslationConfig& config;  // its shape must be the model's
  const SentencePieces& pieces;
  const ModelNotes& notes;
};

/// Writes the file atomically, numbers as 16-bit floats. Errors: kInvalidArgument when the parts do not fit
/// each other, or for a weight past the range of 16-bit floats; AtomicFile's.
Status save_translation_model(const std::string& path, const TranslationModelToWrite& parts);

/// Whether the file says that it is a translation model, of this version or another.
bool is_translation_model(const Safetensors& file);

struct LoadedTranslationModel {
  TranslationConfig config;
  SentencePieces pieces;
  TranslationModel<float> model;
  ModelNotes notes;
};

/// `file` may go afterwards. Errors: kUnsupported for another format; kCorrupt naming the file and the tensor
/// or key: missing, unknown, misshapen, not finite, or at odds with another part of the file; kOutOfMemory.
Result<LoadedTranslationModel> load_translation_model(const Safetensors& file);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_TRANSLATION_FILE_H_
