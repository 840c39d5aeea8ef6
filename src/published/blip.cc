// BLIP (Li et al. 2022): a ViT, and BERT with cross-attention to all of its tokens. transformers gives its
// text decoder the special tokens of text_config, and no other settings of the checkpoint.
#include "published/bert_decoder.h"
#include "published/model_parts.h"
#include "published/vit_weights.h"

namespace attend {
namespace {

struct BlipConfig {
  VisionConfig vision;
  BertConfig text;
  GenerationSettings generation;
};

Result<BlipConfig> read_config(const PublishedSource& source) {
  Status status;
  const ConfigFields fields(source.config, source.folder + "/config.json", "", status);
  const ConfigFields vision = fields.object("vision_config"), text = fields.object("text_config");
  BlipConfig config;
  config.vision =
      read_vision(vision,
                  {.stack = {.width = 768, .hidden = 3072, .layers = 12, .heads = 12, .epsilon = 1e-5},
                   .image_side = 384,
                   .patch_side = 16},
                  "gelu");
  config.text = read_bert_config(
      text, {.stack = {.width = 768, .hidden = 3072, .layers = 12, .heads = 8, .epsilon = 1e-12},
             .vocabulary = 30524,
             .positions = 512});
  config.text.memory_width = config.vision.stack.width;
  const bool tied = fields.flag("tie_word_embeddings", true),
             tied_too = text.flag("tie_word_embeddings", true);
  config.text.tied = tied || tied_too;
  const int64_t last = config.text.vocabulary - 1;
  config.generation.start = static_cast<int32_t>(text.integer("bos_token_id", 0, last, 30522));
  config.generation.search.ends = {static_cast<int32_t>(text.integer("sep_token_id", 0, last, 102))};
  config.generation.default_most = config.text.positions;
  if (!status.ok()) return status;
  if (*config.generation.start > last)
    text.complain_of("bos_token_id", "is missing, and 30522 is past vocab_size");
  if (config.generation.search.ends.front() > last)
    text.complain_of("sep_token_id", "is missing, and 102 is past vocab_size");
  if (!status.ok()) return status;
  return config;
}

CaptionDecoderWeights read_decoder(WeightReader& reader, const BlipConfig& config) {
  const StackConfig& stack = config.text.stack;
  const std::string head = "text_decoder.cls.predictions.";
  CaptionDecoderWeights weights =
      read_bert(reader, {"text_decoder.bert.", head + "decoder", head + "bias"}, config.text);
  weights.transform = {reader.linear(head + "transform.dense", {stack.width, stack.width}), stack.activation,
                       reader.norm(head + "transform.LayerNorm", stack.width, stack.epsilon)};
  return weights;
}

}  // namespace

Result<PublishedNetwork> read_blip(const PublishedSource& source) {
  Result<BlipConfig> config = read_config(source);
  if (!config.ok()) return config.status();
  // Older files number positions; and the one bias or the other is of no use.
  source.reader.ignore_endings({".position_ids", "cls.predictions.bias"});
  VitWeights vision = read_blip_vision(source.reader, config.value().vision);
  CaptionDecoderWeights text = read_decoder(source.reader, config.value());
  ATTEND_RETURN_IF_ERROR(source.reader.finish());
  return PublishedNetwork{.kind = "BLIP",
                          .encoder = VitEncoder(std::move(vision)),
                          .projection = std::nullopt,
                          .decoder = CaptionDecoder(std::move(text)),
                          .processor = ProcessorKind::kBlip,
                          .tokenizer = TokenizerKind::kWordPiece,
                          .generation = std::move(config.value().generation)};
}

}  // namespace attend
