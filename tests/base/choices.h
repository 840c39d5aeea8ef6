// Where drawn problems come from: a sequence of choices, made by a fuzzer's bytes or by a random stream.
#ifndef ATTEND_TESTS_BASE_CHOICES_H_
#define ATTEND_TESTS_BASE_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"

namespace attend {

/// Each choice uses up what it needs of the bytes, few for small ranges, so that a fuzzer's mutations stay
/// local; where the bytes have ended every choice is the first one.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  explicit Choices(RandomKey random) : random_(random), endless_(true) {}

  /// One of low..high, both included.
  int64_t between(int64_t low, int64_t high) {
    const auto count = static_cast<uint64_t>(high - low) + 1;
    uint64_t number = 0;
    for (uint64_t reach = count - 1; reach > 0; reach >>= 8) number = number << 8 | next_byte();
    return low + static_cast<int64_t>(number % count);
  }
  bool flip() { return between(0, 1) == 1; }
  /// True once in `n` times.
  bool once_in(int64_t n) { return between(1, n) == n; }

  template <class T, size_t N>
  const T& of(const T (&list)[N]) {
    return list[static_cast<size_t>(between(0, static_cast<int64_t>(N) - 1))];
  }

 private:
  uint8_t next_byte() {
    if (endless_) return static_cast<uint8_t>(random_.bits(place_++) >> 56);
    return place_ < bytes_.size() ? bytes_[place_++] : uint8_t{0};
  }

  std::span<const uint8_t> bytes_;
  RandomKey random_;
  bool endless_ = false;
  size_t place_ = 0;
};

}  // namespace attend

#endif  // ATTEND_TESTS_BASE_CHOICES_H_
