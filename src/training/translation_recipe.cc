#include "training/translation_recipe.h"

#include <nlohmann/json.hpp>
#include <span>

#include "language/generation.h"
#include "model/block_config.h"
#include "training/content_hash.h"
#include "training/option_bounds.h"
#include "training/recorded_recipe.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

BlockShape block_of(const TranslationModelOptions& model) {
  return {model.width, model.heads, model.hidden, model.norm, model.dropout};
}

Status check_model(const TranslationModelOptions& model) {
  ATTEND_RETURN_IF_ERROR(check_block("", block_of(model)));
  ATTEND_RETURN_IF_ERROR(check_within("encoder layers", model.encoder_layers, model.kLayers));
  ATTEND_RETURN_IF_ERROR(check_within("decoder layers", model.decoder_layers, model.kLayers));
  ATTEND_RETURN_IF_ERROR(check_within("dropout", model.dropout, model.kDropout));
  return check_within("longest sentence", model.max_length, model.kMaxLength);
}

Status check_learning(const TranslationLearningOptions& learning) {
  ATTEND_RETURN_IF_ERROR(check(static_cast<const LearningOptions&>(learning)));
  ATTEND_RETURN_IF_ERROR(check_within("batch", learning.pieces_per_batch, learning.kPiecesPerBatch));
  ATTEND_RETURN_IF_ERROR(check_within("validation beam", learning.validation_beam, kOfferedBeams));
  if (learning.epochs > 0 || !learning.start.empty()) return {};
  return {StatusCode::kInvalidArgument, "epochs is 0, and there are no parameters to start from"};
}

Json describe_data(const TranslationSet& set) {
  ContentHash hash;
  hash.add(set.pieces.serialised());
  for (const SentencePair& pair : set.pairs) {
    hash.add(std::as_bytes(std::span(pair.source)));
    hash.add(std::as_bytes(std::span(pair.target)));
  }
  for (const std::string& sentence : set.validation.source) hash.add(sentence);
  for (const std::string& sentence : set.validation.target) hash.add(sentence);
  return {{"pieces", set.pieces.size()},
          {"train_pairs", set.pairs.size()},
          {"validation_pairs", set.validation.source.size()},
          {"data_fingerprint", hash.text()}};
}

}  // namespace

Status check(const TranslationRecipe& recipe) {
  ATTEND_RETURN_IF_ERROR(check_model(recipe.model));
  return check_learning(recipe.learning);
}

TranslationModelShape shape_of(const TranslationModelOptions& options, int64_t pieces) {
  const BlockShape block = block_of(options);
  TranslationModelShape shape;
  shape.encoder = {options.encoder_layers, block};
  shape.decoder.vocabulary = pieces;
  shape.decoder.max_length = options.max_length;
  shape.decoder.layers = options.decoder_layers;
  shape.decoder.block = block;
  shape.decoder.embedding_dropout = options.dropout;
  shape.decoder.positions = Positions::kSinusoidal;
  return shape;
}

std::string describe(const TranslationRecipe& recipe, const TranslationSet& set) {
  const TranslationModelOptions& model = recipe.model;
  const TranslationLearningOptions& learning = recipe.learning;
  Json json = {{"source", recipe.source},
               {"target", recipe.target},
               {"width", model.width},
               {"heads", model.heads},
               {"hidden", model.hidden},
               {"encoder_layers", model.encoder_layers},
               {"decoder_layers", model.decoder_layers},
               {"norm", model.norm == NormPlacement::kPre ? "pre" : "post"},
               {"dropout", model.dropout},
               {"max_length", model.max_length},
               {"epochs", learning.epochs},
               {"batch_pieces", learning.pieces_per_batch}};
  json.update(learning_json(learning));
  json["validation_beam"] = learning.validation_beam;
  json["precision"] = name_of(learning.precision);
  json["start"] = fingerprints(learning.start);
  json.update(describe_data(set));
  return recipe_text(json);
}

}  // namespace attend
