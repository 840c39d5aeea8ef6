#include "decode/decode_mask.h"

#include <algorithm>

#include "attention/mask.h"
#include "decode/paged_rows.h"

namespace attend {

DecodeMask::DecodeMask(const DecodeTensors& tensors, const DecodeOptions& options, int64_t b)
    : length_(length_of(tensors.cache, b)),
      queries_(options.query_counts.empty() ? tensors.query.shape[2]
                                            : options.query_counts[static_cast<size_t>(b)]),
      offset_(options.causal == Causal::kUpperLeft ? 0 : length_ - queries_),
      left_(std::min(options.window.left, kFar)),
      right_(options.causal == Causal::kNone ? std::min(options.window.right, kFar) : 0),
      places_(options.query_positions.data()) {
  const int64_t given = static_cast<int64_t>(options.query_positions.size()), Tq = tensors.query.shape[2];
  if (given > Tq) places_ += b * Tq;
}

}  // namespace attend
