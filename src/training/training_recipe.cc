#include "training/training_recipe.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "training/content_hash.h"
#include "training/recorded_recipe.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

Status check_model(const ModelOptions& model) {
  ATTEND_RETURN_IF_ERROR(between("width", static_cast<double>(model.width), 8, 8192));
  ATTEND_RETURN_IF_ERROR(between("heads", model.heads, 1, 64));
  ATTEND_RETURN_IF_ERROR(between("hidden", static_cast<double>(model.hidden), 8, 65536));
  ATTEND_RETURN_IF_ERROR(between("layers", model.layers, 1, 48));
  ATTEND_RETURN_IF_ERROR(between("encoder layers", model.encoder_layers, 0, 48));
  ATTEND_RETURN_IF_ERROR(between("dropout", model.dropout, 0, 0.95));
  ATTEND_RETURN_IF_ERROR(between("embedding dropout", model.embedding_dropout, 0, 0.95));
  ATTEND_RETURN_IF_ERROR(between("feature dropout", model.feature_dropout, 0, 0.95));
  if (model.width % model.heads == 0) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("width {} is not a multiple of heads {}", model.width, model.heads)};
}

Status check_learning(const LearningOptions& learning) {
  ATTEND_RETURN_IF_ERROR(between("epochs", static_cast<double>(learning.epochs), 0, 1e6));
  ATTEND_RETURN_IF_ERROR(between("batch", static_cast<double>(learning.photos_per_batch), 1, 4096));
  ATTEND_RETURN_IF_ERROR(between("learning rate", learning.rate, 0, 1));
  ATTEND_RETURN_IF_ERROR(between("last learning rate", learning.last_rate, 0, 1));
  if (learning.last_rate > learning.rate) {
    return {StatusCode::kInvalidArgument,
            fmt::format("last learning rate is {}, and learning rate {} is less", learning.last_rate,
                        learning.rate)};
  }
  ATTEND_RETURN_IF_ERROR(between("warm-up", static_cast<double>(learning.warmup), 0, 1e9));
  ATTEND_RETURN_IF_ERROR(between("label smoothing", learning.label_smoothing, 0, 0.9));
  ATTEND_RETURN_IF_ERROR(between("channel dropout", learning.noise.channel_dropout, 0, 0.95));
  ATTEND_RETURN_IF_ERROR(between("patch dropout", learning.noise.patch_dropout, 0, 0.95));
  ATTEND_RETURN_IF_ERROR(check(learning.adamw));
  ATTEND_RETURN_IF_ERROR(between("patience", static_cast<double>(learning.patience), 0, 1e6));
  ATTEND_RETURN_IF_ERROR(between("average", static_cast<double>(learning.average), 1, 100));
  if (learning.self_critical) {
    ATTEND_RETURN_IF_ERROR(between("samples", learning.self_critical->samples, 2, 100));
    ATTEND_RETURN_IF_ERROR(between("caption share", learning.caption_share, 0, 0.99));
    if (learning.start.empty()) {
      return {StatusCode::kInvalidArgument, "self-critical training needs parameters to start from"};
    }
  }
  ATTEND_RETURN_IF_ERROR(check(learning.precision));
  return check(learning.generation);
}

/// How much of what kind of data there is, and a fingerprint of it.
Json describe_data(const TrainingSet& set) {
  ContentHash hash;
  hash.add(set.vocabulary.serialise());
  for (const FeatureFile& file : set.features) hash.add(file.shape().key);
  int64_t captions = 0;
  for (const TrainingPhoto& photo : set.photos) {
    for (const std::vector<int32_t>& caption : photo.captions) hash.add(std::as_bytes(std::span(caption)));
    captions += static_cast<int64_t>(photo.captions.size());
  }
  Json data = {{"train_photos", set.photos.size()},
               {"train_captions", captions},
               {"vocabulary", set.vocabulary.size()}};
  for (const ValidationSet& validation : set.validation) {
    data["validation_photos_" + validation.name] = validation.images.size();
  }
  data["data_fingerprint"] = hash.text();
  return data;
}

Json describe_model(const ModelOptions& model) {
  Json json = {{"width", model.width},
               {"heads", model.heads},
               {"hidden", model.hidden},
               {"layers", model.layers},
               {"encoder_layers", model.encoder_layers},
               {"positions", model.most_rows},
               {"dropout", model.dropout},
               {"embedding_dropout", model.embedding_dropout},
               {"feature_dropout", model.feature_dropout}};
  // The first kind goes without saying, so that runs begun before there were others can go on.
  if (model.attention != MemoryAttentionKind::kMultiHead) json["attention"] = name_of(model.attention);
  return json;
}

Json describe_learning(const LearningOptions& learning) {
  Json json = {{"epochs", learning.epochs},         {"batch_photos", learning.photos_per_batch},
               {"learning_rate", learning.rate},    {"last_learning_rate", learning.last_rate},
               {"warmup_steps", learning.warmup},   {"label_smoothing", learning.label_smoothing},
               {"beta1", learning.adamw.beta1},     {"beta2", learning.adamw.beta2},
               {"epsilon", learning.adamw.epsilon}, {"weight_decay", learning.adamw.weight_decay},
               {"clip", learning.adamw.clip},       {"seed", learning.seed},
               {"patience", learning.patience},     {"average", learning.average},
               {"beam", learning.generation.beam}};
  json["channel_dropout"] = learning.noise.channel_dropout;
  json["patch_dropout"] = learning.noise.patch_dropout;
  json["length_exponent"] = learning.generation.length_exponent;
  json["precision"] = name_of(learning.precision);
  json["caption_share"] = learning.self_critical ? learning.caption_share : 1.0;
  if (learning.self_critical) {
    const bool beam = learning.self_critical->source == SelfCriticalOptions::Source::kBeam;
    json["self_critical_source"] = beam ? "beam" : "chance";
  }
  json["self_critical_samples"] = learning.self_critical ? learning.self_critical->samples : 0;
  return json;
}

}  // namespace

Status check(const TrainingRecipe& recipe) {
  ATTEND_RETURN_IF_ERROR(between("input side", recipe.set.squares.input_side, 32, 2048));
  ATTEND_RETURN_IF_ERROR(between("squash side", recipe.set.squares.squash_side, 32, 2048));
  ATTEND_RETURN_IF_ERROR(between("crops", recipe.set.crops, 0, 100));
  ATTEND_RETURN_IF_ERROR(between("min count", static_cast<double>(recipe.set.min_count), 1, 1e9));
  ATTEND_RETURN_IF_ERROR(check_model(recipe.model));
  return check_learning(recipe.learning);
}

CaptionModelShape shape_of(const ModelOptions& options, const TrainingSet& set) {
  const FeatureFileShape& features = set.features.front().shape();
  const BlockShape block{options.width, options.heads, options.hidden, NormPlacement::kPre, options.dropout};
  CaptionModelShape shape;
  shape.patches.features = features.width;
  shape.patches.grid = static_cast<int>(std::lround(std::sqrt(static_cast<double>(features.patches))));
  shape.patches.layers = options.encoder_layers;
  shape.patches.block = block;
  shape.patches.feature_dropout = options.feature_dropout;
  shape.text.vocabulary = set.vocabulary.size();
  shape.text.max_length = options.most_rows;
  shape.text.layers = options.layers;
  shape.text.block = block;
  shape.text.block.cross_attention = options.attention;
  shape.text.embedding_dropout = options.embedding_dropout;
  return shape;
}

std::string describe(const TrainingRecipe& recipe, const TrainingSet& set) {
  Json json = {{"squash_side", recipe.set.squares.squash_side}};
  json["input_side"] = recipe.set.squares.input_side;
  json["crops"] = recipe.set.crops;
  json["min_count"] = recipe.set.min_count;
  json.update(describe_model(recipe.model));
  json.update(describe_learning(recipe.learning));
  json["start"] = fingerprints(recipe.learning.start);
  json.update(describe_data(set));
  return recipe_text(json);
}

}  // namespace attend
