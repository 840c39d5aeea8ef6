// The parts that the configurations of all models share: ranges, Transformer blocks, JSON that may be
// hostile.
#ifndef ATTEND_MODEL_BLOCK_CONFIG_H_
#define ATTEND_MODEL_BLOCK_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/status.h"
#include "base/bounds.h"
#include "model/json_fields.h"
#include "nn/transformer_block.h"

namespace attend {

/// Far above any model for CPUs, and small enough that their products fit 64 bits: of a block, and how many
/// of them a part of a model has.
inline constexpr Bounds<int64_t> kBlockWidths{1, 8192}, kBlockHiddenWidths{1, 65536};
inline constexpr Bounds<int> kBlockHeads{1, 256};
inline constexpr int64_t kMostBlocks = 96;

/// Errors: kInvalidArgument, "FIELD is VALUE, and must be from LEAST to MOST".
Status check_range(const char* field, int64_t value, int64_t least, int64_t most);
/// What no model has: sizes out of all range, heads that do not divide the width or are wider than attention
/// takes. `part` goes before the names of the fields: "text.", "". Errors: kInvalidArgument.
Status check_block(const std::string& part, const BlockShape& block);

/// The object in `json`; an empty one, and kCorrupt in `status`, for text that is long or no JSON.
JsonFields::Json parse_object(std::string_view json, const char* name, Status& status);

/// What a model's file says of the model, and of how it is used, in JSON.
struct ConfigTexts {
  std::string_view shape, generation;
};
/// Both texts into a configuration: `read_shape` and `read_generation` put what they find over what `config`
/// holds, and check() judges the whole. Errors: kCorrupt, beginning with `name`.
template <class Config, class ReadShape, class ReadGeneration>
Result<Config> parse_config(const ConfigTexts& texts, const std::string& name, Config config,
                            const ReadShape& read_shape, const ReadGeneration& read_generation) {
  Status status;
  const JsonFields::Json shape = parse_object(texts.shape, "config", status);
  const JsonFields::Json generation = parse_object(texts.generation, "generation", status);
  if (status.ok()) read_shape(shape, config, status);
  if (status.ok()) read_generation(generation, config.generation, status);
  if (status.ok()) status = check(config);
  if (!status.ok()) return Status(StatusCode::kCorrupt, name + ": " + status.message());
  return config;
}

/// The fields of a block, out of those of its part and as an object. Dropout is not stored.
void read_block(JsonFields& fields, BlockShape& block);
JsonFields::Json block_json(const BlockShape& block);

/// How many numbers a linear layer has.
int64_t linear_count(int64_t in, int64_t out);
/// Norms, self-attention of four square projections, and the feed-forward network.
int64_t block_count(const BlockShape& block, int64_t norms);
/// What cross-attention has, the last projection included.
int64_t cross_attention_count(const BlockShape& block);

}  // namespace attend

#endif  // ATTEND_MODEL_BLOCK_CONFIG_H_
