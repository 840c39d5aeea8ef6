#include "decode/decode_mask.h"

#include "decode/paged_rows.h"

namespace attend {

DecodeMask::DecodeMask(const DecodeTensors& tensors, const DecodeOptions& options, int64_t b)
    : length_(length_of(tensors.cache, b)),
      queries_(options.query_counts.empty() ? tensors.query.shape[2]
                                            : options.query_counts[static_cast<size_t>(b)]),
      offset_(options.causal == Causal::kUpperLeft ? 0 : length_ - queries_),
      window_left_(options.window_left),
      causal_(options.causal != Causal::kNone) {}

}  // namespace attend
