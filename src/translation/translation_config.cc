#include "translation/translation_config.h"

#include <fmt/format.h>

#include <utility>

#include "model/block_config.h"
#include "translation/translator.h"

namespace attend {
namespace {

using Json = JsonFields::Json;

constexpr int64_t kMostPieces = 1 << 20, kMostPositions = 1024, kLongestName = 32;

void read_encoder(const Json& json, TextEncoderShape& shape, Status& status) {
  JsonFields fields(json, "config.encoder", status);
  fields.integer("layers", shape.layers);
  read_block(fields, shape.block);
  fields.finish();
}

void read_decoder(const Json& json, TextDecoderShape& shape, Status& status) {
  JsonFields fields(json, "config.decoder", status);
  fields.integer("pieces", shape.vocabulary);
  fields.integer("max_length", shape.max_length);
  fields.integer("layers", shape.layers);
  read_block(fields, shape.block);
  fields.finish();
}

void read_config(const Json& json, TranslationConfig& config, Status& status) {
  JsonFields fields(json, "config", status);
  fields.text("source", config.source);
  fields.text("target", config.target);
  read_encoder(fields.object("encoder"), config.shape.encoder, status);
  read_decoder(fields.object("decoder"), config.shape.decoder, status);
  fields.finish();
}

void read_generation(const Json& json, GenerationOptions& options, Status& status) {
  JsonFields fields(json, "generation", status);
  fields.integer("beam", options.beam);
  fields.number("length_exponent", options.length_exponent);
  fields.finish();
}

}  // namespace

Status check(const TranslationConfig& config) {
  const TextEncoderShape& encoder = config.shape.encoder;
  const TextDecoderShape& decoder = config.shape.decoder;
  ATTEND_RETURN_IF_ERROR(check_range("length of source", std::ssize(config.source), 1, kLongestName));
  ATTEND_RETURN_IF_ERROR(check_range("length of target", std::ssize(config.target), 1, kLongestName));
  ATTEND_RETURN_IF_ERROR(check_range("encoder.layers", encoder.layers, 1, kMostBlocks));
  ATTEND_RETURN_IF_ERROR(check_range("decoder.layers", decoder.layers, 1, kMostBlocks));
  ATTEND_RETURN_IF_ERROR(check_range("decoder.pieces", decoder.vocabulary, 4, kMostPieces));
  ATTEND_RETURN_IF_ERROR(check_range("decoder.max_length", decoder.max_length, 2, kMostPositions));
  ATTEND_RETURN_IF_ERROR(check_block("encoder.", encoder.block));
  ATTEND_RETURN_IF_ERROR(check_block("decoder.", decoder.block));
  ATTEND_RETURN_IF_ERROR(check(config.generation));
  if (encoder.block.width == decoder.block.width) return {};
  return {StatusCode::kInvalidArgument, fmt::format("encoder.width {} differs from decoder.width {}",
                                                    encoder.block.width, decoder.block.width)};
}

std::string shape_json(const TranslationConfig& config) {
  const TextDecoderShape& shape = config.shape.decoder;
  Json encoder = {{"layers", config.shape.encoder.layers}};
  encoder.update(block_json(config.shape.encoder.block));
  Json decoder = {{"pieces", shape.vocabulary}, {"max_length", shape.max_length}, {"layers", shape.layers}};
  decoder.update(block_json(shape.block));
  const Json json = {
      {"source", config.source}, {"target", config.target}, {"encoder", encoder}, {"decoder", decoder}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string generation_json(const TranslationConfig& config) {
  const Json json = {{"beam", config.generation.beam},
                     {"length_exponent", config.generation.length_exponent}};
  return json.dump();
}

Result<TranslationConfig> parse_translation_config(std::string_view shape_json,
                                                   std::string_view generation_json,
                                                   const std::string& name) {
  TranslationConfig config;
  config.generation = translation_defaults();
  config.shape.decoder.positions = Positions::kSinusoidal;
  return parse_config({shape_json, generation_json}, name, std::move(config), read_config, read_generation);
}

int64_t parameter_count(const TranslationModelShape& shape) {
  const TextDecoderShape& decoder = shape.decoder;
  return decoder.vocabulary * decoder.block.width + 4 * decoder.block.width +
         shape.encoder.layers * block_count(shape.encoder.block, 2) +
         decoder.layers * (block_count(decoder.block, 3) + cross_attention_count(decoder.block));
}

}  // namespace attend
