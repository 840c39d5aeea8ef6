// Random numbers as a function of where they are used, not of when: a counter goes in, a number comes out.
// Backward passes, resumed runs and any tiling or threading see the same numbers without storing them.
#ifndef ATTEND_BASE_RANDOM_H_
#define ATTEND_BASE_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <numbers>

namespace attend {

/// Mixes 64 bits so that each input bit moves about half of the output bits (the finaliser of SplitMix64,
/// Steele et al. 2014, "Fast splittable pseudorandom number generators").
constexpr uint64_t mix_bits(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Names a stream of random numbers; derive one for each layer, step and purpose.
class RandomKey {
 public:
  constexpr explicit RandomKey(uint64_t seed = 0) : state_(mix_bits(seed)) {}
  /// An independent stream for `label`.
  constexpr RandomKey child(uint64_t label) const {
    RandomKey key;
    key.state_ = mix_bits(state_ ^ mix_bits(label + 0x632be59bd9b4e019u));
    return key;
  }
  /// 64 random bits for `index`.
  constexpr uint64_t bits(uint64_t index) const { return mix_bits(state_ + index * 0xd1342543de82ef95u); }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform(uint64_t index) const { return static_cast<double>(bits(index) >> 11) * 0x1p-53; }
  /// Standard normal (Box and Muller 1958).
  double normal(uint64_t index) const {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform(2 * index)));
    return radius * std::cos(2.0 * std::numbers::pi * uniform(2 * index + 1));
  }
  /// Uniform in [0, bound).
  constexpr uint64_t below(uint64_t index, uint64_t bound) const {
    return static_cast<uint64_t>((static_cast<__uint128_t>(bits(index)) * bound) >> 64);
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace attend

#endif  // ATTEND_BASE_RANDOM_H_
