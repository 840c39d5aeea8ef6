// GIT (Wang et al. 2022): CLIP's ViT, a projection, and BERT without cross-attention, whose sequences begin
// with the image.
#include "published/bert_decoder.h"
#include "published/model_parts.h"
#include "published/vit_weights.h"

namespace attend {
namespace {

struct GitConfig {
  VisionConfig vision;
  BertConfig text;
  GenerationSettings generation;
};

Result<GitConfig> read_config(const PublishedSource& source) {
  Status status;
  const ConfigFields fields(source.config, source.folder + "/config.json", "", status);
  GitConfig config;
  config.vision =
      read_vision(fields.object("vision_config"),
                  {.stack = {.width = 768, .hidden = 3072, .layers = 12, .heads = 12, .epsilon = 1e-5},
                   .image_side = 224,
                   .patch_side = 16},
                  "quick_gelu");
  config.text = read_bert_config(
      fields, {.stack = {.width = 768, .hidden = 3072, .layers = 6, .heads = 12, .epsilon = 1e-12},
               .vocabulary = 30522,
               .positions = 1024,
               .rows = Rows::kBoth});
  config.text.tied = fields.flag("tie_word_embeddings", false);
  if (!status.ok()) return status;
  // The class has both of these in every config that it writes, and takes them where a file lacks them.
  nlohmann::json special = {{"bos_token_id", 101}, {"eos_token_id", 102}};
  const Result<SettingsSource> settings = find_settings(source.folder, source.config, special);
  if (!settings.ok()) return settings.status();
  Result<GenerationSettings> generation =
      read_settings(settings.value(), {"bos_token_id"}, config.text.vocabulary);
  if (!generation.ok()) return generation.status();
  config.generation = std::move(generation).value();
  config.generation.default_most = config.text.positions;
  return config;
}

}  // namespace

Result<PublishedNetwork> read_git(const PublishedSource& source) {
  Result<GitConfig> config = read_config(source);
  if (!config.ok()) return config.status();
  const VisionConfig& seen = config.value().vision;
  const int64_t width = config.value().text.stack.width;
  // Numbers of positions, and the places of a video's frames.
  source.reader.ignore_endings({".position_ids"});
  for (int frame = 0; frame < 64; ++frame)
    source.reader.ignore("git.img_temporal_embedding." + std::to_string(frame));
  VitWeights vision = read_git_vision(source.reader, seen);
  Projection projection = {
      source.reader.linear("git.visual_projection.visual_projection.0",
                           {seen.stack.width, width, Rows::kMany}),
      source.reader.norm("git.visual_projection.visual_projection.1", width, seen.stack.epsilon)};
  CaptionDecoderWeights text =
      read_bert(source.reader, {"git.", "output", "output.bias"}, config.value().text);
  ATTEND_RETURN_IF_ERROR(source.reader.finish());
  return PublishedNetwork{.kind = "GIT",
                          .encoder = VitEncoder(std::move(vision)),
                          .projection = std::move(projection),
                          .decoder = CaptionDecoder(std::move(text)),
                          .processor = ProcessorKind::kClip,
                          .tokenizer = TokenizerKind::kWordPiece,
                          .generation = std::move(config.value().generation)};
}

}  // namespace attend
