#include "captioner/model_config.h"

#include <fmt/format.h>

#include <string>

#include "model/block_config.h"
#include "model/json_fields.h"

namespace attend {
namespace {

using Json = JsonFields::Json;

// Far above any captioner for CPUs, and small enough that their products fit 64 bits.
constexpr int64_t kMostFeatures = 65536, kMostVocabulary = 1 << 20, kMostPositions = 65536;
constexpr int64_t kMostGrid = 64, kMostSide = kMostGrid * kPatchSide;

void read_patches(const Json& json, PatchEncoderShape& shape, Status& status) {
  JsonFields fields(json, "config.patches", status);
  fields.integer("features", shape.features);
  fields.integer("grid", shape.grid);
  fields.integer("layers", shape.layers);
  read_block(fields, shape.block);
  fields.finish();
}

void read_text(const Json& json, TextDecoderShape& shape, Status& status) {
  JsonFields fields(json, "config.text", status);
  fields.integer("vocabulary", shape.vocabulary);
  fields.integer("max_length", shape.max_length);
  fields.integer("layers", shape.layers);
  read_block(fields, shape.block);
  fields.optional_attention("attention", shape.block.cross_attention);
  fields.finish();
}

void read_config(const Json& json, ModelConfig& config, Status& status) {
  JsonFields fields(json, "config", status);
  fields.integer("squash_side", config.squares.squash_side);
  fields.integer("input_side", config.squares.input_side);
  read_patches(fields.object("patches"), config.shape.patches, status);
  read_text(fields.object("text"), config.shape.text, status);
  fields.finish();
}

void read_generation(const Json& json, GenerationOptions& options, Status& status) {
  JsonFields fields(json, "generation", status);
  fields.integer("beam", options.beam);
  fields.number("length_exponent", options.length_exponent);
  fields.integer("no_repeat_ngram", options.no_repeat_ngram);
  fields.integer("min_length", options.min_length);
  fields.integer("max_length", options.max_length);
  fields.finish();
}

}  // namespace

Status check(const ModelConfig& config) {
  const PatchEncoderShape& patches = config.shape.patches;
  const TextDecoderShape& text = config.shape.text;
  ATTEND_RETURN_IF_ERROR(check_range("squash_side", config.squares.squash_side, 1, kMostSide));
  ATTEND_RETURN_IF_ERROR(check_range("input_side", config.squares.input_side, kPatchSide, kMostSide));
  ATTEND_RETURN_IF_ERROR(check_range("patches.features", patches.features, 1, kMostFeatures));
  ATTEND_RETURN_IF_ERROR(check_range("patches.grid", patches.grid, 1, kMostGrid));
  ATTEND_RETURN_IF_ERROR(check_range("patches.layers", patches.layers, 0, kMostBlocks));
  ATTEND_RETURN_IF_ERROR(check_range("text.vocabulary", text.vocabulary, 4, kMostVocabulary));
  ATTEND_RETURN_IF_ERROR(check_range("text.max_length", text.max_length, 2, kMostPositions));
  ATTEND_RETURN_IF_ERROR(check_range("text.layers", text.layers, 1, kMostBlocks));
  ATTEND_RETURN_IF_ERROR(check_block("patches.", patches.block));
  ATTEND_RETURN_IF_ERROR(check_block("text.", text.block));
  ATTEND_RETURN_IF_ERROR(check(config.generation));
  if (patches.grid * kPatchSide != config.squares.input_side) {
    return {StatusCode::kInvalidArgument,
            fmt::format("patches.grid {} of {}-pixel patches does not fit input_side {}", patches.grid,
                        kPatchSide, config.squares.input_side)};
  }
  if (patches.block.width != text.block.width) {
    return {StatusCode::kInvalidArgument, fmt::format("patches.width {} differs from text.width {}",
                                                      patches.block.width, text.block.width)};
  }
  return check_range("max_length", config.generation.max_length, 1, text.max_length - 1);
}

std::string shape_json(const ModelConfig& config) {
  const PatchEncoderShape& patches = config.shape.patches;
  const TextDecoderShape& text = config.shape.text;
  Json patches_json = {{"features", patches.features}, {"grid", patches.grid}, {"layers", patches.layers}};
  patches_json.update(block_json(patches.block));
  Json text_json = {
      {"vocabulary", text.vocabulary}, {"max_length", text.max_length}, {"layers", text.layers}};
  text_json.update(block_json(text.block));
  // The first kind goes without saying, so that older versions read what they can run.
  if (text.block.cross_attention != MemoryAttentionKind::kMultiHead)
    text_json["attention"] = name_of(text.block.cross_attention);
  const Json json = {{"squash_side", config.squares.squash_side},
                     {"input_side", config.squares.input_side},
                     {"patches", patches_json},
                     {"text", text_json}};
  return json.dump();
}

std::string generation_json(const ModelConfig& config) {
  const GenerationOptions& options = config.generation;
  const Json json = {{"beam", options.beam},
                     {"length_exponent", options.length_exponent},
                     {"no_repeat_ngram", options.no_repeat_ngram},
                     {"min_length", options.min_length},
                     {"max_length", options.max_length}};
  return json.dump();
}

Result<ModelConfig> parse_model_config(std::string_view shape_json, std::string_view generation_json,
                                       const std::string& name) {
  return parse_config({shape_json, generation_json}, name, ModelConfig(), read_config, read_generation);
}

int64_t parameter_count(const CaptionModelShape& shape) {
  const PatchEncoderShape& patches = shape.patches;
  const TextDecoderShape& text = shape.text;
  const int64_t width = patches.block.width;
  return linear_count(patches.features, width) + 4 * width + int64_t{2} * patches.grid * width +
         patches.layers * block_count(patches.block, 2) + (text.vocabulary + text.max_length) * width +
         text.layers * (block_count(text.block, 3) + cross_attention_count(text.block)) + 2 * width;
}

}  // namespace attend
