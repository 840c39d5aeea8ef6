// A vision-encoder-decoder of ViT and GPT-2: norms before each sublayer, cross-attention to all of ViT's
// tokens. The weights of its linear layers lie transposed in the file.
#include <fmt/format.h>

#include <cmath>

#include "published/blocks.h"
#include "published/model_parts.h"
#include "published/transformer_config.h"
#include "published/vit_weights.h"

namespace attend {
namespace {

struct GptConfig {
  StackConfig stack;
  int64_t vocabulary = 0, positions = 0;
  bool tied = true;
  bool scaled = true,
       scaled_by_layer = false;  // scores: by 1 / sqrt(width of a head), by 1 / number of the layer
};

struct VitGptConfig {
  VisionConfig vision;
  GptConfig text;
  bool projected = false;
  GenerationSettings generation;
};

/// GPT-2's own name of a field, or the common one.
int64_t either(const ConfigFields& fields, const char* own, const char* common, int64_t most,
               int64_t otherwise) {
  return fields.has(own) || !fields.has(common) ? fields.integer(own, 1, most, otherwise)
                                                : fields.integer(common, 1, most);
}

GptConfig read_gpt_config(const ConfigFields& fields) {
  GptConfig config;
  StackConfig& stack = config.stack;
  stack.width = either(fields, "n_embd", "hidden_size", kMostWidth, 768);
  stack.layers = static_cast<int>(either(fields, "n_layer", "num_hidden_layers", kMostLayers, 12));
  stack.heads = static_cast<int>(either(fields, "n_head", "num_attention_heads", kMostHeads, 12));
  stack.hidden = fields.integer("n_inner", 1, kMostHidden, 4 * stack.width);
  stack.epsilon = fields.number("layer_norm_epsilon", 0, 1, 1e-5);
  stack.activation = read_activation(fields, "activation_function", "gelu_new");
  check_heads(fields, "n_head", stack.width, stack.heads);
  config.vocabulary = fields.integer("vocab_size", 2, kMostTokens, 50257);
  config.positions = either(fields, "n_positions", "max_position_embeddings", kMostPositions, 1024);
  config.tied = fields.flag("tie_word_embeddings", true);
  config.scaled = fields.flag("scale_attn_weights", true);
  config.scaled_by_layer = fields.flag("scale_attn_by_inverse_layer_idx", false);
  if (!fields.flag("add_cross_attention", true))
    fields.complain_of("add_cross_attention", "is false: this decoder does not see");
  return config;
}

Status check_kind(const ConfigFields& fields, const char* due) {
  const std::string kind = fields.text("model_type", due);
  if (kind == due) return {};
  fields.complain_of("model_type", fmt::format("is \"{:.40}\" where this version knows \"{}\"", kind, due));
  return {};
}

Result<VitGptConfig> read_config(const PublishedSource& source) {
  Status status;
  const ConfigFields fields(source.config, source.folder + "/config.json", "", status);
  const ConfigFields vision = fields.object("encoder", ConfigFields::Needed::kYes);
  const ConfigFields text = fields.object("decoder", ConfigFields::Needed::kYes);
  ATTEND_RETURN_IF_ERROR(check_kind(vision, "vit"));
  ATTEND_RETURN_IF_ERROR(check_kind(text, "gpt2"));
  if (!status.ok()) return Status(StatusCode::kUnsupported, status.message());
  VitGptConfig config;
  config.vision =
      read_vision(vision,
                  {.stack = {.width = 768, .hidden = 3072, .layers = 12, .heads = 12, .epsilon = 1e-12},
                   .image_side = 224,
                   .patch_side = 16,
                   .biased = vision.flag("qkv_bias", true)},
                  "gelu");
  config.text = read_gpt_config(text);
  config.projected = config.vision.stack.width != config.text.stack.width;
  if (config.projected && text.has("cross_attention_hidden_size")) {
    text.complain_of("cross_attention_hidden_size",
                     "is not known here where encoder and decoder differ in width");
  }
  if (!status.ok()) return status;
  const Result<SettingsSource> settings =
      find_settings(source.folder, source.config, source.config["decoder"]);
  if (!settings.ok()) return settings.status();
  Result<GenerationSettings> generation =
      read_settings(settings.value(), {"decoder_start_token_id", "bos_token_id"}, config.text.vocabulary);
  if (!generation.ok()) return generation.status();
  config.generation = std::move(generation).value();
  return config;
}

/// One of GPT-2's layers.
LayerForm conv1d(int64_t in, int64_t out, Rows rows = Rows::kFew) {
  return {.in = in, .out = out, .rows = rows, .order = WeightMatrix::Order::kTransposed};
}

StoredBlock read_block(WeightReader& reader, const std::string& layer, const GptConfig& config,
                       const Heads& heads) {
  const int64_t width = config.stack.width, hidden = config.stack.hidden;
  const double epsilon = config.stack.epsilon;
  const LayerForm square = conv1d(width, width);
  std::vector<StoredLinear> self = reader.linears(layer + "attn.c_attn", square, 3);
  std::vector<StoredLinear> image =
      reader.linears(layer + "crossattention.c_attn", conv1d(width, width, Rows::kMany), 2);
  return {.placement = NormPlacement::kPre,
          .self = {.query = std::move(self[0]),
                   .key = std::move(self[1]),
                   .value = std::move(self[2]),
                   .out = reader.linear(layer + "attn.c_proj", square),
                   .heads = heads,
                   .norm = reader.norm(layer + "ln_1", width, epsilon)},
          .cross = StoredAttention{.query = reader.linear(layer + "crossattention.q_attn", square),
                                   .key = std::move(image[0]),
                                   .value = std::move(image[1]),
                                   .out = reader.linear(layer + "crossattention.c_proj", square),
                                   .heads = heads,
                                   .norm = reader.norm(layer + "ln_cross_attn", width, epsilon)},
          .feed_forward = {.up = reader.linear(layer + "mlp.c_fc", conv1d(width, hidden)),
                           .down = reader.linear(layer + "mlp.c_proj", conv1d(hidden, width)),
                           .activation = config.stack.activation,
                           .norm = reader.norm(layer + "ln_2", width, epsilon)}};
}

CaptionDecoderWeights read_decoder(WeightReader& reader, const GptConfig& config) {
  const int64_t width = config.stack.width;
  const std::string root = "decoder.transformer.";
  CaptionDecoderWeights weights;
  const WordMatrices matrices =
      reader.words({root + "wte.weight", "decoder.lm_head.weight"}, config.vocabulary, width, config.tied);
  weights.words = matrices.words;
  weights.positions = reader.matrix(root + "wpe.weight", config.positions, width);
  for (int i = 0; i < config.stack.layers; ++i) {
    Heads heads = usual_heads(width, config.stack.heads);
    if (!config.scaled) heads.scale = 1;
    if (config.scaled_by_layer) heads.scale /= static_cast<float>(i + 1);
    weights.blocks.push_back(read_block(reader, fmt::format("{}h.{}.", root, i), config, heads));
  }
  weights.norm_out = reader.norm(root + "ln_f", width, config.stack.epsilon);
  if (reader.status().ok()) weights.output = {matrices.output, {}};
  return weights;
}

}  // namespace

Result<PublishedNetwork> read_vit_gpt2(const PublishedSource& source) {
  Result<VitGptConfig> config = read_config(source);
  if (!config.ok()) return config.status();
  // The causal mask of older files, and the pooler that no caption goes through.
  source.reader.ignore_endings({"attn.bias", "attn.masked_bias", "crossattention.bias",
                                "crossattention.masked_bias", "encoder.pooler.dense.weight",
                                "encoder.pooler.dense.bias"});
  VitWeights vision = read_vit(source.reader, config.value().vision);
  std::optional<Projection> projection;
  if (config.value().projected) {
    projection = {source.reader.linear("enc_to_dec_proj", {config.value().vision.stack.width,
                                                           config.value().text.stack.width, Rows::kMany}),
                  std::nullopt};
  }
  CaptionDecoderWeights text = read_decoder(source.reader, config.value().text);
  ATTEND_RETURN_IF_ERROR(source.reader.finish());
  return PublishedNetwork{.kind = "ViT-GPT2",
                          .encoder = VitEncoder(std::move(vision)),
                          .projection = std::move(projection),
                          .decoder = CaptionDecoder(std::move(text)),
                          .processor = ProcessorKind::kVit,
                          .tokenizer = TokenizerKind::kByteLevelBpe,
                          .generation = std::move(config.value().generation)};
}

}  // namespace attend
