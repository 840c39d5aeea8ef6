#include "training/caption_recipe.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "captioner/model_config.h"
#include "model/block_config.h"
#include "training/content_hash.h"
#include "training/option_bounds.h"
#include "training/recorded_recipe.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

BlockShape block_of(const CaptionModelOptions& model) {
  return {model.width, model.heads, model.hidden, NormPlacement::kPre, model.dropout};
}

Status check_data(const TrainingSetOptions& set) {
  ATTEND_RETURN_IF_ERROR(check_within("input side", set.squares.input_side, set.kSide));
  if (set.squares.input_side % kPatchSide != 0) {
    return {StatusCode::kInvalidArgument,
            fmt::format("input side is {}, not a multiple of {}", set.squares.input_side, kPatchSide)};
  }
  ATTEND_RETURN_IF_ERROR(check_within("squash side", set.squares.squash_side, set.kSide));
  ATTEND_RETURN_IF_ERROR(check_within("crops", set.crops, set.kCrops));
  return check_within("min count", set.min_count, set.kMinCount);
}

Status check_model(const CaptionModelOptions& model) {
  ATTEND_RETURN_IF_ERROR(check_block("", block_of(model)));
  ATTEND_RETURN_IF_ERROR(check_within("layers", model.layers, model.kLayers));
  ATTEND_RETURN_IF_ERROR(check_within("encoder layers", model.encoder_layers, model.kEncoderLayers));
  ATTEND_RETURN_IF_ERROR(check_within("dropout", model.dropout, model.kDropout));
  ATTEND_RETURN_IF_ERROR(check_within("embedding dropout", model.embedding_dropout, model.kDropout));
  return check_within("feature dropout", model.feature_dropout, model.kDropout);
}

Status check_learning(const CaptionLearningOptions& learning) {
  const FeatureNoise& noise = learning.noise;
  ATTEND_RETURN_IF_ERROR(check(static_cast<const LearningOptions&>(learning)));
  ATTEND_RETURN_IF_ERROR(check_within("batch", learning.photos_per_batch, learning.kPhotosPerBatch));
  ATTEND_RETURN_IF_ERROR(check_within("last learning rate", learning.last_rate, learning.kRate));
  if (learning.last_rate > learning.rate) {
    return {StatusCode::kInvalidArgument,
            fmt::format("last learning rate is {}, and learning rate {} is less", learning.last_rate,
                        learning.rate)};
  }
  ATTEND_RETURN_IF_ERROR(check_within("channel dropout", noise.channel_dropout, noise.kDropout));
  ATTEND_RETURN_IF_ERROR(check_within("patch dropout", noise.patch_dropout, noise.kDropout));
  if (learning.self_critical) {
    const SelfCriticalOptions& critical = *learning.self_critical;
    ATTEND_RETURN_IF_ERROR(check_within("samples", critical.samples, critical.kSamples));
    ATTEND_RETURN_IF_ERROR(check_within("caption share", learning.caption_share, learning.kCaptionShare));
    if (learning.start.empty()) {
      return {StatusCode::kInvalidArgument, "self-critical training needs parameters to start from"};
    }
  }
  return check(learning.generation);
}

/// How much of what kind of data there is, and a fingerprint of it.
Json describe_data(const TrainingSet& set) {
  ContentHash hash;
  hash.add(set.vocabulary.serialise());
  for (const FeatureFile& file : set.features) hash.add(file.shape().key);
  hash.add(set.captions);
  int64_t captions = 0;
  for (const TrainingPhoto& photo : set.photos) captions += std::ssize(photo.captions);
  Json data = {{"train_photos", set.photos.size()},
               {"train_captions", captions},
               {"vocabulary", set.vocabulary.size()}};
  for (const ValidationSet& validation : set.validation) {
    data["validation_photos_" + validation.name] = validation.images.size();
  }
  data["data_fingerprint"] = hash.text();
  return data;
}

Json describe_model(const CaptionModelOptions& model) {
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

Json describe_learning(const CaptionLearningOptions& learning) {
  Json json = {{"epochs", learning.epochs},
               {"batch_photos", learning.photos_per_batch},
               {"learning_rate", learning.rate},
               {"last_learning_rate", learning.last_rate}};
  json.update(learning_json(learning));  // what is there keeps its place
  json["beam"] = learning.generation.beam;
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

Status check(const CaptionRecipe& recipe) {
  ATTEND_RETURN_IF_ERROR(check_data(recipe.set));
  ATTEND_RETURN_IF_ERROR(check_model(recipe.model));
  return check_learning(recipe.learning);
}

CaptionModelShape shape_of(const CaptionModelOptions& options, const TrainingSet& set) {
  const FeatureFileShape& features = set.features.front().shape();
  const BlockShape block = block_of(options);
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

std::string describe(const CaptionRecipe& recipe, const TrainingSet& set) {
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
