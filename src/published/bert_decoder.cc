#include "published/bert_decoder.h"

#include <fmt/format.h>

#include "published/blocks.h"

namespace attend {
namespace {

StoredBlock read_block(WeightReader& reader, const std::string& layer, const BertConfig& config) {
  const StackConfig& stack = config.stack;
  const auto attention = [&](const std::string& name, int64_t memory_width, Rows memory_rows) {
    const std::string self = name + ".self.", output = name + ".output.";
    return read_attention(
        reader, {self + "query", self + "key", self + "value", output + "dense", output + "LayerNorm"},
        {stack.width, memory_width, stack.heads, stack.epsilon, true, config.rows, memory_rows});
  };
  StoredAttention self = attention(layer + "attention", stack.width, config.rows);
  std::optional<StoredAttention> cross;
  if (config.memory_width > 0) cross = attention(layer + "crossattention", config.memory_width, Rows::kMany);
  return {NormPlacement::kPost, std::move(self), std::move(cross),
          read_feed_forward(
              reader, {layer + "intermediate.dense", layer + "output.dense", layer + "output.LayerNorm"},
              {stack.width, stack.hidden, stack.activation, stack.epsilon, config.rows})};
}

}  // namespace

BertConfig read_bert_config(const ConfigFields& fields, const BertConfig& defaults) {
  BertConfig config = defaults;
  config.stack = read_stack(fields, defaults.stack, "gelu");
  config.vocabulary = fields.integer("vocab_size", 2, kMostTokens, defaults.vocabulary);
  config.positions = fields.integer("max_position_embeddings", 1, kMostPositions, defaults.positions);
  return config;
}

CaptionDecoderWeights read_bert(WeightReader& reader, const BertNames& names, const BertConfig& config) {
  const int64_t width = config.stack.width;
  const std::string embeddings = names.prefix + "embeddings.";
  CaptionDecoderWeights weights;
  const WordMatrices matrices =
      reader.words({embeddings + "word_embeddings.weight", names.output + ".weight"}, config.vocabulary,
                   width, config.tied);
  weights.words = matrices.words;
  weights.positions = reader.matrix(embeddings + "position_embeddings.weight", config.positions, width);
  weights.norm_in = reader.norm(embeddings + "LayerNorm", width, config.stack.epsilon);
  for (int i = 0; i < config.stack.layers; ++i) {
    weights.blocks.push_back(read_block(reader, fmt::format("{}encoder.layer.{}.", names.prefix, i), config));
  }
  std::vector<float> bias =
      reader.vector(reader.place(names.output + ".bias", names.other_bias, config.tied), {config.vocabulary});
  if (reader.status().ok()) weights.output = {matrices.output, std::move(bias)};
  return weights;
}

}  // namespace attend
