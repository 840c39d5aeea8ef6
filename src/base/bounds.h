// What a number may be.
#ifndef ATTEND_BASE_BOUNDS_H_
#define ATTEND_BASE_BOUNDS_H_

namespace attend {

template <class Number>
struct Bounds {
  Number least, most;

  /// Never of NaN.
  constexpr bool hold(Number number) const { return number >= least && number <= most; }
};

}  // namespace attend

#endif  // ATTEND_BASE_BOUNDS_H_
