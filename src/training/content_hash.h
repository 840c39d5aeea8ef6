// A fingerprint of what something was made from.
#ifndef ATTEND_TRAINING_CONTENT_HASH_H_
#define ATTEND_TRAINING_CONTENT_HASH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"

namespace attend {

/// 64 bits that change, but for accidents, with every bit and with the cutting of what was added. No defence
/// against somebody who wants a collision.
class ContentHash {
 public:
  void add(uint64_t number) { state_ = mix_bits(state_ ^ mix_bits(number)) + 0x9e3779b97f4a7c15u; }
  void add(std::span<const std::byte> bytes) {
    add(static_cast<uint64_t>(bytes.size()));
    for (; !bytes.empty(); bytes = bytes.subspan(bytes.size() < 8 ? bytes.size() : 8)) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data(), bytes.size() < 8 ? bytes.size() : 8);
      add(word);
    }
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }

  uint64_t value() const { return state_; }
  /// 16 hexadecimal digits.
  std::string text() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string digits(16, '0');
    for (size_t i = 0; i < 16; ++i) digits[i] = kDigits[(state_ >> (60 - 4 * i)) & 15];
    return digits;
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_CONTENT_HASH_H_
