// The definition of correct: attention and its gradients as plain loops over queries, keys and features.
//
// Every kernel is tested against these in float64. In float32 they are the "plain method" whose error sets
// the tolerance of the others, and what Isa::kScalar runs.
#ifndef ATTEND_ATTENTION_REFERENCE_H_
#define ATTEND_ATTENTION_REFERENCE_H_

#include <cstdint>

#include "attention/problem.h"

namespace attend {

/// All queries of batch row b and query head h. `scores` holds Tk numbers. The weights' summaries, which
/// other heads may share, are added to.
template <class T>
void reference_forward(const ForwardProblem<T>& problem, int64_t b, int64_t h, T* scores);

/// Makes the weights' summaries 0.
template <class T>
void clear_summaries(const ForwardProblem<T>& problem);

/// All gradients of batch row b and key/value head `kv_head`, and of the query heads that share it: sums,
/// which finish_block() makes those of the tensors. That of the bias, which others may share, is added
/// to.
template <class T>
void reference_backward(const BackwardProblem<T>& problem, int64_t b, int64_t kv_head);

}  // namespace attend

#endif  // ATTEND_ATTENTION_REFERENCE_H_
