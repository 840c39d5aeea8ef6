// The state of softmax attention over some of the keys, which is what splits hand to each other.
//
// For each row: the sum of 2^(s_j - m) v_j, the maximum m of the scores s_j in units of log 2, and the sum of
// 2^(s_j - m). Two states over disjoint keys join exactly: each is brought to the larger maximum and they are
// added. A state that has seen no key has m = -inf and sum 0.
#ifndef ATTEND_DECODE_PARTIAL_ROWS_H_
#define ATTEND_DECODE_PARTIAL_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "attention/panel.h"
#include "decode/problem.h"

namespace attend {

class PartialRows {
 public:
  PartialRows(float* memory, int64_t Dv) : memory_(memory), stride_(floats_a_row(Dv)) {}

  static int64_t floats_a_row(int64_t Dv) { return padded_width(Dv) + kWidestVector; }

  float* out(int r) const { return memory_ + r * stride_; }
  float& max(int r) const { return behind(r)[0]; }
  float& sum(int r) const { return behind(r)[1]; }
  int64_t stride() const { return stride_; }

  /// No key seen yet.
  void clear(int rows) const;
  /// Joins the state of later keys to this one.
  void join(const PartialRows& later, int rows, int64_t Dv) const;

 private:
  /// The vector behind the row's sums.
  float* behind(int r) const { return out(r) + stride_ - kWidestVector; }

  float* memory_;
  int64_t stride_;
};

/// Divides by the sums and writes output and lse of the first `rows` rows of a pass, sinks included.
void write_rows(const DecodeProblem& problem, const RowPass& pass, const PartialRows& state);

/// Writes output 0 and lse -inf for rows [first, end) of a pass.
void write_unseen_rows(const DecodeProblem& problem, const RowPass& pass, int first, int end);

}  // namespace attend

#endif  // ATTEND_DECODE_PARTIAL_ROWS_H_
