// What one trip through a network may use: memory, threads and randomness.
#ifndef ATTEND_NN_PASS_H_
#define ATTEND_NN_PASS_H_

#include "attend/executor.h"
#include "base/arena.h"
#include "base/random.h"

namespace attend {

/// How float matrices are multiplied; sums are always float32. Double is never rounded.
enum class Precision {
  kFloat32,
  kBFloat16,  // operands rounded to bfloat16: nearly twice as fast where has_bfloat16_products() (nn/gemm.h)
};

/// Layers take activations from the arena and leave them there for backward; whoever made the Pass resets the
/// arena when the step is over. Dropout acts only when `training`.
struct Pass {
  Arena& arena;
  Executor& executor;
  bool training = false;
  RandomKey key{};
  Precision precision = Precision::kFloat32;

  /// A fresh stream for each place that draws, in the order in which forward reaches them.
  RandomKey next_key() { return key.child(draws_++); }

 private:
  uint64_t draws_ = 0;

 public:
  Pass(Arena& a, Executor& e) : arena(a), executor(e) {}
  Pass(Arena& a, Executor& e, RandomKey k) : arena(a), executor(e), training(true), key(k) {}
};

}  // namespace attend

#endif  // ATTEND_NN_PASS_H_
