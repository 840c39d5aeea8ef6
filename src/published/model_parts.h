// What a published captioner is made of, whatever its kind, and the kinds.
#ifndef ATTEND_PUBLISHED_MODEL_PARTS_H_
#define ATTEND_PUBLISHED_MODEL_PARTS_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "language/caption_decoder.h"
#include "language/tokenizer.h"
#include "published/generation_settings.h"
#include "published/preparation_settings.h"
#include "published/tokenizer_files.h"
#include "published/weight_reader.h"
#include "vision/vit_encoder.h"

namespace attend {

/// Between encoder and decoder, where their widths differ or training put a layer.
struct Projection {
  StoredLinear linear;
  std::optional<LayerNorm<float>> norm;
};

/// The network, and what config.json alone says about how it is used.
struct PublishedNetwork {
  const char* kind;
  VitEncoder encoder;
  std::optional<Projection> projection;
  CaptionDecoder decoder;
  ProcessorKind processor;
  TokenizerKind tokenizer;
  GenerationSettings generation;
};

/// Each reads config.json's fields and then the tensors. Errors: kCorrupt and kUnsupported naming the file,
/// and the field or the tensor.
struct PublishedSource {
  const std::string& folder;
  const nlohmann::json& config;
  WeightReader& reader;
};
Result<PublishedNetwork> read_blip(const PublishedSource& source);
Result<PublishedNetwork> read_vit_gpt2(const PublishedSource& source);
Result<PublishedNetwork> read_git(const PublishedSource& source);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_MODEL_PARTS_H_
