// Attention as three primitives of oneDNN: what one writes who has a fast matrix product and no fused kernel.
// The whole [B, H, Tq, Tk] scores lie in memory between them.
#ifndef ATTEND_BENCH_UNFUSED_ATTENTION_H_
#define ATTEND_BENCH_UNFUSED_ATTENTION_H_

#include <memory>

#include "attend/attention.h"

namespace attend::bench {

class UnfusedAttention {
 public:
  /// Dense operands without groups; `output` is [B, H, Tq, Dv]. Primitives are made here, once.
  UnfusedAttention(const AttentionTensors& tensors, float* output);
  ~UnfusedAttention();
  void run();

 private:
  struct Primitives;
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_UNFUSED_ATTENTION_H_
