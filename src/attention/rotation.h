// Rotary position embedding (rope.h) of the rows of an operand: by which angles a row is turned, and the
// plain loop that turns it.
#ifndef ATTEND_ATTENTION_ROTATION_H_
#define ATTEND_ATTENTION_ROTATION_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "attend/rope.h"
#include "attention/alignment.h"

namespace attend {

/// The rotation of one row.
template <class T>
struct Turn {
  RopeLayout layout;
  int64_t pairs;  // of features; those behind them pass through
  const T *cos, *sin;
  bool transposed = false;

  /// Features a and b of pair r.
  int64_t first(int64_t r) const { return layout == RopeLayout::kHalfSplit ? r : 2 * r; }
  int64_t second(int64_t r) const { return layout == RopeLayout::kHalfSplit ? r + pairs : 2 * r + 1; }
};

/// The pairs from `begin` on; `to` may be `from`.
template <class T>
void turn_pairs(const Turn<T>& turn, int64_t begin, const T* from, T* to) {
  const T sign = turn.transposed ? T{-1} : T{1};
  for (int64_t r = begin; r < turn.pairs; ++r) {
    const T a = from[turn.first(r)], b = from[turn.second(r)], cos = turn.cos[r], sin = sign * turn.sin[r];
    to[turn.first(r)] = a * cos - b * sin;
    to[turn.second(r)] = b * cos + a * sin;
  }
}

/// A whole row; `to` may be `from`.
template <class T>
void turn_row(const Turn<T>& turn, const T* from, int64_t width, T* to) {
  turn_pairs(turn, 0, from, to);
  if (to != from) std::copy(from + 2 * turn.pairs, from + width, to + 2 * turn.pairs);
}

/// The tables of a call.
template <class T>
class TurnTable {
 public:
  TurnTable() = default;
  explicit TurnTable(const Rope& rope)
      : layout_(rope.layout),
        pairs_(rope.cos.shape[3]),
        cos_(static_cast<const T*>(rope.cos.data)),
        sin_(static_cast<const T*>(rope.sin.data)),
        cos_step_(rope.cos.stride[2]),
        sin_step_(rope.sin.stride[2]) {}

  bool present() const { return cos_ != nullptr; }
  Turn<T> at(int64_t position) const {
    return {layout_, pairs_, cos_ + position * cos_step_, sin_ + position * sin_step_};
  }

 private:
  RopeLayout layout_ = RopeLayout::kHalfSplit;
  int64_t pairs_ = 0;
  const T *cos_ = nullptr, *sin_ = nullptr;
  int64_t cos_step_ = 0, sin_step_ = 0;
};

/// Where the rows of an operand stand: where the caller says, or one after the other. Borrows.
class RowPositions {
 public:
  RowPositions() = default;
  /// `given` are positions for `rows` rows of each batch row, for `rows` that all of them share, or none:
  /// then row t of batch row b stands at start.diagonal(b) + t.
  explicit RowPositions(std::span<const int64_t> given, int64_t rows, const Alignment& start = {})
      : given_(given), batch_(static_cast<int64_t>(given.size()) == rows ? 0 : rows), start_(start) {}

  int64_t at(int64_t b, int64_t t) const {
    return given_.empty() ? start_.diagonal(b) + t : given_[static_cast<size_t>(b * batch_ + t)];
  }

  bool follow_each_other() const { return given_.empty(); }
  /// How many of B batch rows need be looked at to know all positions.
  int64_t distinct_rows(int64_t B) const {
    const bool alike = given_.empty() ? start_.same_for_all() : batch_ == 0;
    return alike ? std::min<int64_t>(B, 1) : B;
  }

 private:
  std::span<const int64_t> given_ = {};
  int64_t batch_ = 0;  // numbers from one batch row to the next
  Alignment start_;
};

/// The rotations of all rows of an operand; absent by default.
template <class T>
struct Rotation {
  TurnTable<T> table = {};
  RowPositions positions = {};

  bool present() const { return table.present(); }
  Turn<T> of(int64_t b, int64_t t) const { return table.at(positions.at(b, t)); }
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_ROTATION_H_
