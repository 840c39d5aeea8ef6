// Where queries stand on the key axis.
#ifndef ATTEND_ATTENTION_ALIGNMENT_H_
#define ATTEND_ATTENTION_ALIGNMENT_H_

#include <cstdint>
#include <span>

#include "attend/attention.h"
#include "attention/sizes.h"

namespace attend {

/// Causal order, windows and ALiBi are all measured from one diagonal: query i of batch row b stands at key
/// i + diagonal(b). Borrows the options' offsets.
class Alignment {
 public:
  /// Query i stands at key i.
  Alignment() = default;
  Alignment(const Sizes& sizes, const AttentionOptions& options)
      : offsets_(options.query_offset),
        named_(options.causal == Causal::kUpperLeft ? 0 : sizes.Tk - sizes.Tq) {}

  /// Whether diagonal() is one number for all batch rows.
  bool same_for_all() const { return offsets_.size() <= 1; }

  int64_t diagonal(int64_t b) const {
    if (offsets_.empty()) return named_;
    return offsets_[offsets_.size() == 1 ? 0 : static_cast<size_t>(b)];
  }

 private:
  std::span<const int64_t> offsets_;
  int64_t named_ = 0;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_ALIGNMENT_H_
