// The shipped model: one safetensors file with the photo encoder, the caption model, its words and what it
// is.
//
//   tensors    "encoder..." (see CnnEncoder), "patches...", "text..."
//   metadata   format       "attend.captioner/1"
//              config       JSON: sides of the photo's squares, shapes (see model_config.h)
//              generation   JSON: defaults of the beam search
//              vocabulary   one word a line (see Vocabulary)
//              encoder...   the encoder's own
//              note.KEY     text for people: training data, licence, scores
//
// A file is hostile until proven otherwise: nothing is allocated by what it claims, only by what it holds.
#ifndef ATTEND_CAPTIONER_MODEL_FILE_H_
#define ATTEND_CAPTIONER_MODEL_FILE_H_

#include <string>

#include "attend/status.h"
#include "captioner/caption_model.h"
#include "captioner/model_config.h"
#include "checkpoint/safetensors.h"
#include "language/vocabulary.h"
#include "model/model_tensors.h"
#include "vision/cnn_encoder.h"

namespace attend {

struct ModelToWrite {
  CaptionModel<float>& model;
  const ModelConfig& config;  // its shape must be the model's
  const Vocabulary& vocabulary;
  const Safetensors& encoder;  // every tensor and metadata entry that begins with "encoder." is copied
  const ModelNotes& notes;
};

/// Writes the file atomically, numbers as 16-bit floats: an encoder that is stored so already is copied
/// exactly. Errors: kInvalidArgument when the parts do not fit each other, naming both numbers, or for a
/// weight past the range of 16-bit floats; the encoder file's, AtomicFile's.
Status save_model(const std::string& path, const ModelToWrite& parts);

struct LoadedModel {
  ModelConfig config;
  Vocabulary vocabulary;
  CnnEncoder encoder;
  CaptionModel<float> model;
  ModelNotes notes;
  int64_t parameters = 0;  // numbers in the file, the encoder's included
};

/// Errors: kNotFound, kIo; kUnsupported for another format version; kCorrupt naming the file and the tensor
/// or key: missing, unknown, misshapen, not finite, or at odds with another part of the file; kOutOfMemory.
Result<LoadedModel> load_model(const std::string& path);

/// The same from a file that is open, or from the bytes of the model inside the program; `file` may go
/// afterwards.
Result<LoadedModel> load_model(const Safetensors& file);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_MODEL_FILE_H_
