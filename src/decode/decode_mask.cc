#include "decode/decode_mask.h"

#include "decode/kv_view.h"

namespace attend {
namespace {

int64_t queries_of(const DecodeTensors& tensors, const DecodeOptions& options, int64_t b) {
  return options.query_counts.empty() ? tensors.query.shape[2] : options.query_counts[static_cast<size_t>(b)];
}

/// The band that the options leave, within the sequence's length.
HeadMask mask_of(const DecodeOptions& options, int64_t offset, int64_t length) {
  return {band_of(options.causal, options.window).shifted(offset), length, nullptr, 0, 0};
}

}  // namespace

DecodeMask::DecodeMask(const DecodeTensors& tensors, const DecodeOptions& options, int64_t b)
    : queries_(queries_of(tensors, options, b)),
      offset_(options.causal == Causal::kUpperLeft ? 0 : length_of(tensors.cache, b) - queries_),
      mask_(mask_of(options, offset_, length_of(tensors.cache, b))),
      places_(options.query_positions.data()) {
  const int64_t given = static_cast<int64_t>(options.query_positions.size()), Tq = tensors.query.shape[2];
  if (given > Tq) places_ += b * Tq;
}

}  // namespace attend
