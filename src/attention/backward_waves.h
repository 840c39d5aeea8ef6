// Which heads of a backward pass have their sums in scratch at the same time.
#ifndef ATTEND_ATTENTION_BACKWARD_WAVES_H_
#define ATTEND_ATTENTION_BACKWARD_WAVES_H_

#include <cstddef>
#include <cstdint>

#include "attention/kernels.h"

namespace attend {

inline constexpr size_t kWaveBytes = size_t{32} << 20;
inline constexpr int64_t kWaveKeyBlocks = 16;

/// Gradients of 16-bit operands are summed in float32 and rounded when all is added up. The sums of all heads
/// would take twice the memory of the gradients themselves, so that heads take turns: a wave is as many
/// key/value heads, each with the query heads that share it, as have sums of kWaveBytes, but no fewer than
/// keep kWaveKeyBlocks blocks of keys at work, nor than one. Heads have no sums in common, so that the waves
/// change no bit; and what they are is a matter of shapes, never of workers. Where gradients are summed in
/// place there is one wave.
class BackwardWaves {
 public:
  BackwardWaves(const Sizes& n, const RowForm& form, size_t most_bytes = kWaveBytes);

  int64_t count() const { return count_; }
  /// Key/value heads, counted through the batch rows.
  Range heads(int64_t wave) const;
  /// Bytes of the sums of a wave, a multiple of 64.
  size_t bytes() const { return bytes_; }

 private:
  int64_t heads_, wave_heads_, count_;
  size_t bytes_ = 0;
};
/// Places the sums of a wave's heads in `shared`, which holds the waves' bytes, for gradients that are not
/// summed in place.
template <class T>
void place_sums(BackwardProblem<T>& problem, const Range& heads, std::byte* shared);

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_WAVES_H_
