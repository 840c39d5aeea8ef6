#include "model/block_config.h"

#include <fmt/format.h>

#include "attention/sizes.h"

namespace attend {
namespace {

using Json = JsonFields::Json;

constexpr size_t kMostJsonBytes = 1 << 16;

}  // namespace

Status check_range(const char* field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, and must be from {} to {}", field, value, least, most)};
}

Status check_block(const std::string& part, const BlockShape& block) {
  ATTEND_RETURN_IF_ERROR(
      check_range((part + "width").c_str(), block.width, kBlockWidths.least, kBlockWidths.most));
  ATTEND_RETURN_IF_ERROR(
      check_range((part + "heads").c_str(), block.heads, kBlockHeads.least, kBlockHeads.most));
  ATTEND_RETURN_IF_ERROR(check_range((part + "hidden").c_str(), block.hidden, kBlockHiddenWidths.least,
                                     kBlockHiddenWidths.most));
  const int64_t head = block.width / block.heads;
  if (block.width % block.heads != 0) {
    return {StatusCode::kInvalidArgument,
            fmt::format("{}width {} is not a multiple of its {} heads", part, block.width, block.heads)};
  }
  if (head <= kWidestRow) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{}width {} makes each of its heads {} wide, more than {}", part, block.width, head,
                      kWidestRow)};
}

void read_block(JsonFields& fields, BlockShape& block) {
  fields.integer("width", block.width);
  fields.integer("heads", block.heads);
  fields.integer("hidden", block.hidden);
  fields.norm("norm", block.norm);
}

Json parse_object(std::string_view json, const char* name, Status& status) {
  if (json.size() > kMostJsonBytes) {
    status = {StatusCode::kCorrupt,
              fmt::format("{} has {} bytes, more than {}", name, json.size(), kMostJsonBytes)};
    return Json::object();
  }
  Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_discarded()) return parsed;
  status = {StatusCode::kCorrupt, fmt::format("{} is not JSON", name)};
  return Json::object();
}

Json block_json(const BlockShape& block) {
  return {{"width", block.width},
          {"heads", block.heads},
          {"hidden", block.hidden},
          {"norm", block.norm == NormPlacement::kPre ? "pre" : "post"}};
}

int64_t linear_count(int64_t in, int64_t out) {
  return (in + 1) * out;
}

int64_t block_count(const BlockShape& block, int64_t norms) {
  return norms * 2 * block.width + 4 * linear_count(block.width, block.width) +
         linear_count(block.width, block.hidden) + linear_count(block.hidden, block.width);
}

int64_t cross_attention_count(const BlockShape& block) {
  const int64_t width = block.width, square = width * width, linear = linear_count(width, width);
  switch (block.cross_attention) {
    case MemoryAttentionKind::kMultiHead:
      return 4 * linear;
    case MemoryAttentionKind::kTanh:
      return 2 * linear;
    case MemoryAttentionKind::kAdditive:
      return 2 * linear + square + width;
    case MemoryAttentionKind::kGeneral:
      return square + linear;
    case MemoryAttentionKind::kDot:
    case MemoryAttentionKind::kScaledDot:
      break;
  }
  return linear;
}

}  // namespace attend
