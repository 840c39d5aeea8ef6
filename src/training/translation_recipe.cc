#include "training/translation_recipe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "training/content_hash.h"
#include "training/recorded_recipe.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

Status check_model(const TranslationModelOptions& model) {
  ATTEND_RETURN_IF_ERROR(between("width", static_cast<double>(model.width), 8, 8192));
  ATTEND_RETURN_IF_ERROR(between("heads", model.heads, 1, 64));
  ATTEND_RETURN_IF_ERROR(between("hidden", static_cast<double>(model.hidden), 8, 65536));
  ATTEND_RETURN_IF_ERROR(between("encoder layers", model.encoder_layers, 1, 48));
  ATTEND_RETURN_IF_ERROR(between("decoder layers", model.decoder_layers, 1, 48));
  ATTEND_RETURN_IF_ERROR(between("dropout", model.dropout, 0, 0.95));
  ATTEND_RETURN_IF_ERROR(between("longest sentence", static_cast<double>(model.max_length), 4, 1024));
  if (model.width % model.heads == 0) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("width {} is not a multiple of heads {}", model.width, model.heads)};
}

Status check_learning(const TranslationLearningOptions& learning) {
  ATTEND_RETURN_IF_ERROR(between("epochs", static_cast<double>(learning.epochs), 0, 1e6));
  ATTEND_RETURN_IF_ERROR(between("batch", static_cast<double>(learning.pieces_per_batch), 1, 1 << 20));
  ATTEND_RETURN_IF_ERROR(between("learning rate", learning.rate, 0, 1));
  ATTEND_RETURN_IF_ERROR(between("warm-up", static_cast<double>(learning.warmup), 0, 1e9));
  ATTEND_RETURN_IF_ERROR(between("label smoothing", learning.label_smoothing, 0, 0.9));
  ATTEND_RETURN_IF_ERROR(check(learning.adamw));
  ATTEND_RETURN_IF_ERROR(between("patience", static_cast<double>(learning.patience), 0, 1e6));
  ATTEND_RETURN_IF_ERROR(between("average", static_cast<double>(learning.average), 1, 100));
  ATTEND_RETURN_IF_ERROR(between("validation beam", learning.validation_beam, 1, 100));
  if (learning.epochs == 0 && learning.start.empty())
    return {StatusCode::kInvalidArgument, "epochs is 0, and there are no parameters to start from"};
  return check(learning.precision);
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
  const BlockShape block{options.width, options.heads, options.hidden, options.norm, options.dropout};
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
               {"batch_pieces", learning.pieces_per_batch},
               {"learning_rate", learning.rate},
               {"warmup_steps", learning.warmup},
               {"label_smoothing", learning.label_smoothing},
               {"beta1", learning.adamw.beta1},
               {"beta2", learning.adamw.beta2},
               {"epsilon", learning.adamw.epsilon},
               {"weight_decay", learning.adamw.weight_decay},
               {"clip", learning.adamw.clip},
               {"seed", learning.seed},
               {"patience", learning.patience},
               {"average", learning.average},
               {"validation_beam", learning.validation_beam},
               {"precision", name_of(learning.precision)},
               {"start", fingerprints(learning.start)}};
  json.update(describe_data(set));
  return recipe_text(json);
}

}  // namespace attend
