// What a model file says about the model, besides its numbers and words.
#ifndef ATTEND_CAPTIONER_MODEL_CONFIG_H_
#define ATTEND_CAPTIONER_MODEL_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/status.h"
#include "captioner/caption_model.h"
#include "captioner/photo_to_patches.h"

namespace attend {

/// Pixels a side of one patch of the photo encoder: the grid of a model is its input side over this.
inline constexpr int kPatchSide = 32;

struct ModelConfig {
  PhotoSquares squares;
  CaptionModelShape shape;  // the dropout rates are not stored: a loaded model has none
  GenerationOptions
      generation;  // beam, length_exponent, no_repeat_ngram, min_length and max_length are stored
};

/// Errors: kInvalidArgument naming the field, its value and its range: sizes that no model has (so that a
/// hostile file cannot ask for absurd memory), heads that do not divide the width, a grid other than
/// input_side / kPatchSide, different widths of patches and text, sentences longer than the position table.
Status check(const ModelConfig& config);

/// As JSON objects of one line. parse_model_config() reads them back.
std::string shape_json(const ModelConfig& config);
std::string generation_json(const ModelConfig& config);

/// `name` (the file) stands in messages. Errors: kCorrupt naming the field: one that is missing, unknown, of
/// another type, or refused by check().
Result<ModelConfig> parse_model_config(std::string_view shape_json, std::string_view generation_json,
                                       const std::string& name);

/// How many numbers a model of this shape has; no overflow for a shape that passes check().
int64_t parameter_count(const CaptionModelShape& shape);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_MODEL_CONFIG_H_
