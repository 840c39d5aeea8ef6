// Ways in which one argument of a call can be wrong.
#ifndef ATTEND_TESTS_FUZZ_SPOIL_H_
#define ATTEND_TESTS_FUZZ_SPOIL_H_

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attend/status.h"
#include "attend/tensor.h"
#include "base/choices.h"

namespace attend {

/// Some changes are mistakes only sometimes: a call that is certainly wrong must be refused, the others must
/// do no harm.
enum class Wrong { kCertainly, kPerhaps };
inline Wrong certainly(bool wrong) {
  return wrong ? Wrong::kCertainly : Wrong::kPerhaps;
}

enum class Role {
  kRead,
  kWritten,
  kMayBeWritten,  // or absent
  kBroadcast,     // read, any strides, axes may be 1
};

inline constexpr int64_t kMost = std::numeric_limits<int64_t>::max(),
                         kLeast = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kStrangeNumbers[] = {0, -1, 1, -2, int64_t{1} << 40, kMost, kLeast};
inline constexpr float kStrangeFloats[] = {NAN, INFINITY, -INFINITY, -1.0f, 0.0f, 1e-38f, 1.0f};

/// The memory of a call's tensors: so large that an axis of any may grow by one.
class SpoilMemory {
 public:
  static constexpr size_t kFloats = 8192;
  void* take() { return (buffers_.emplace_back(kFloats, 1.0f)).data(); }
  SpoilMemory() { buffers_.reserve(16); }
  /// Every bit of it.
  std::vector<uint32_t> bits() const {
    std::vector<uint32_t> all;
    for (const std::vector<float>& buffer : buffers_)
      for (const float x : buffer) all.push_back(std::bit_cast<uint32_t>(x));
    return all;
  }

 private:
  std::vector<std::vector<float>> buffers_;
};

/// Spoils a tensor of a valid call whose shapes all follow from one another, so that no axis may change
/// alone; those of kBroadcast may be 1 or what `full` says.
template <class View>
Wrong spoil_tensor(Choices& choices, Role role, const Shape& full, View& view) {
  const auto axis = static_cast<size_t>(choices.between(0, 3));
  const bool written = role == Role::kWritten || role == Role::kMayBeWritten;
  switch (choices.between(0, 4)) {
    case 0: {
      const int64_t size =
          choices.flip() ? view.shape[axis] + (choices.flip() ? 1 : -1) : choices.of(kStrangeNumbers);
      if (size == view.shape[axis]) return Wrong::kPerhaps;
      view.shape[axis] = size;
      return role == Role::kBroadcast && (size == 1 || size == full[axis]) ? Wrong::kPerhaps
                                                                           : Wrong::kCertainly;
    }
    case 1: {
      // On top of one another, or so far apart that an address overflows.
      constexpr int64_t kStrides[] = {0, kMost, kLeast};
      view.stride[axis] = choices.of(kStrides);
      if (view.shape[axis] == 1) return Wrong::kPerhaps;
      const bool must_be_one = axis == 3 && role != Role::kBroadcast;
      return view.stride[axis] != 0 || must_be_one || written ? Wrong::kCertainly : Wrong::kPerhaps;
    }
    case 2: {
      constexpr DType kTypes[] = {DType::kFloat32,       DType::kFloat64,        DType::kBFloat16,
                                  DType::kFloat16,       DType::kInt8,           DType::kBool,
                                  static_cast<DType>(6), static_cast<DType>(255)};
      const DType before = view.dtype;
      view.dtype = choices.of(kTypes);
      return view.dtype == before ? Wrong::kPerhaps : Wrong::kCertainly;
    }
    case 3:
      view.data = nullptr;
      return role == Role::kMayBeWritten ? Wrong::kPerhaps : Wrong::kCertainly;
    default:
      if (size_of(view.dtype) == 1) return Wrong::kPerhaps;
      view.data = reinterpret_cast<decltype(view.data)>(reinterpret_cast<uintptr_t>(view.data) + 1);
      return Wrong::kCertainly;
  }
}

/// A spoiled call was refused in words, or may have been right; what was refused has written nothing.
inline void expect_harmless(Wrong wrong, const Status& status, bool unchanged) {
  if (status.ok()) {
    EXPECT_EQ(wrong, Wrong::kPerhaps) << "a wrong call was accepted";
    return;
  }
  EXPECT_FALSE(status.message().empty());
  EXPECT_TRUE(unchanged) << "written to, and then: " << status.message();
}

}  // namespace attend

#endif  // ATTEND_TESTS_FUZZ_SPOIL_H_
