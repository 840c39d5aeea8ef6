// Decoding problems of every kind, drawn from choices.
#ifndef ATTEND_TESTS_DECODE_DRAWN_CACHE_H_
#define ATTEND_TESTS_DECODE_DRAWN_CACHE_H_

#include <optional>
#include <vector>

#include "base/choices.h"
#include "decode/cache_case.h"

namespace attend {

/// Heads, widths, types, lengths around splits and tiles, contiguous or in pages.
CacheSpec draw_cache(Choices& choices);

/// Options that own what they look at.
struct DrawnDecodeOptions {
  DrawnDecodeOptions(Choices& choices, const CacheCase& problem);
  DecodeOptions on(Isa isa) const;

  std::optional<float> scale;
  Causal causal = Causal::kLowerRight;
  AttentionWindow window;
  float softcap = 0;
  std::vector<int64_t> query_counts;
  std::vector<float> alibi_slopes, sinks;
};

/// Whether any query of the batch sees token j of the sequence.
bool is_seen(const CacheCase& problem, const DecodeOptions& options, int64_t sequence, int64_t j);

/// Overwrites the tokens that no query sees.
void poison_unseen_tokens(CacheCase& problem, const DecodeOptions& options, float poison);

}  // namespace attend

#endif  // ATTEND_TESTS_DECODE_DRAWN_CACHE_H_
