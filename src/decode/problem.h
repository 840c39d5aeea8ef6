// A valid call, and the pieces that it is cut into.
#ifndef ATTEND_DECODE_PROBLEM_H_
#define ATTEND_DECODE_PROBLEM_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "attend/decode.h"
#include "attention/broadcast.h"
#include "attention/rotation.h"
#include "attention/score_rule.h"
#include "attention/sizes.h"
#include "decode/decode_mask.h"

namespace attend {

/// Query rows that share one pass over keys and values: all that a group of 32 heads needs. Enough for the
/// pass to be bound by arithmetic, so that more rows would save nothing.
inline constexpr int kPassRows = 32;

struct DecodeProblem {
  DecodeProblem(const DecodeTensors& t, const DecodeOptions& o)
      : tensors(t),
        options(o),
        sizes(sizes_of(t.query, t.cache.key, t.cache.value)),
        scale(o.scale ? *o.scale : 1.0f / std::sqrt(static_cast<float>(sizes.D))),
        softcap(std::min(o.softcap, kLargestSoftcap)),
        turns(o.rope),
        slopes(o.alibi_slopes),
        sinks(o.sinks) {}

  const DecodeTensors& tensors;
  const DecodeOptions& options;
  Sizes sizes;  // Tk is the cache's page size, and of no interest
  float scale, softcap;
  TurnTable<float> turns;                // of the queries; may be absent
  Broadcast<const float> slopes, sinks;  // may be absent

  /// Query i of head h as it is multiplied: widened, and turned if there is a rope.
  void read_query(const DecodeMask& mask, int64_t b, int64_t h, int64_t i, float* to) const;

  /// Rows of a key/value head: row r is query r / group() of query head h * group() + r % group(). Heads are
  /// innermost, so that the rows of a pass are close in time and see nearly the same keys.
  int64_t rows() const { return sizes.group() * sizes.Tq; }
  int pass_rows() const { return static_cast<int>(std::min<int64_t>(rows(), kPassRows)); }
  int64_t passes() const { return pass_rows() == 0 ? 0 : (rows() + pass_rows() - 1) / pass_rows(); }
};

/// Some rows of one key/value head of one batch row.
struct RowPass {
  int64_t b, kv_head;
  int64_t first_row;
  int rows;  // those that have a query; the rest of the pass is padding

  int64_t query(const Sizes& n, int r) const { return (first_row + r) / n.group(); }
  int64_t head(const Sizes& n, int r) const { return kv_head * n.group() + (first_row + r) % n.group(); }
};

inline RowPass pass_of(const DecodeProblem& p, const DecodeMask& mask, int64_t b, int64_t kv_head,
                       int64_t index) {
  const int64_t first = index * p.pass_rows(), rows = p.sizes.group() * mask.queries() - first;
  return {b, kv_head, first, static_cast<int>(std::clamp<int64_t>(rows, 0, p.pass_rows()))};
}

/// The keys that the rows of a pass see, all together; rows >= 1.
inline Range keys_of(const DecodeProblem& p, const DecodeMask& mask, const RowPass& pass) {
  const int64_t first = pass.query(p.sizes, 0);
  return mask.keys(first, pass.query(p.sizes, pass.rows - 1) - first + 1);
}

}  // namespace attend

#endif  // ATTEND_DECODE_PROBLEM_H_
