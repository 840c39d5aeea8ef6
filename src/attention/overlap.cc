#include "attention/overlap.h"
#include "attention/sizes.h"

#include <algorithm>
#include <array>

namespace attend {
namespace {

/// |stride|, of the most negative number too.
uint64_t distance(int64_t stride) {
  return stride < 0 ? -static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
}

/// How far, in elements, the axes whose stride is not a multiple of `pitch` reach below and above the first
/// element.
struct Reach {
  int64_t below = 0, above = 0;
};

Reach reach_within(const TensorView& view, int64_t pitch) {
  Reach reach;
  for (size_t axis = 0; axis < 4; ++axis) {
    if (view.stride[axis] % pitch == 0) continue;
    const int64_t extent = (view.shape[axis] - 1) * view.stride[axis];
    (extent < 0 ? reach.below : reach.above) += extent;
  }
  return reach;
}

/// Whether the views, laid on a circle of `pitch` elements, occupy arcs that do not meet.
bool apart_within(const TensorView& a, const TensorView& b, int64_t pitch) {
  const int64_t size = static_cast<int64_t>(size_of(a.dtype));
  const int64_t bytes = static_cast<const char*>(b.data) - static_cast<const char*>(a.data);
  if (bytes % size != 0) return false;
  const Reach ra = reach_within(a, pitch), rb = reach_within(b, pitch);
  const int64_t length_a = ra.above - ra.below + 1, length_b = rb.above - rb.below + 1;
  const int64_t from_a_to_b = (bytes / size + rb.below - ra.below) % pitch;
  const int64_t gap = from_a_to_b < 0 ? from_a_to_b + pitch : from_a_to_b;
  return length_a <= gap && gap + length_b <= pitch;
}

}  // namespace

std::optional<ByteRange> byte_range(const TensorView& view) {
  if (!has_elements(view.shape)) return ByteRange{};
  const int64_t size = static_cast<int64_t>(size_of(view.dtype));
  int64_t below = 0, above = size;
  for (size_t axis = 0; axis < 4; ++axis) {
    int64_t extent = 0;
    if (__builtin_mul_overflow(view.shape[axis] - 1, view.stride[axis], &extent) ||
        __builtin_mul_overflow(extent, size, &extent)) {
      return std::nullopt;
    }
    int64_t& end = extent < 0 ? below : above;
    if (__builtin_add_overflow(end, extent, &end)) return std::nullopt;
  }
  ByteRange range;
  const int64_t address = reinterpret_cast<intptr_t>(view.data);
  if (__builtin_add_overflow(address, below, &range.first)) return std::nullopt;
  if (__builtin_add_overflow(address, above, &range.last) || range.first < 0) return std::nullopt;
  return range;
}

bool overlaps_itself(const TensorView& view) {
  if (!has_elements(view.shape)) return false;
  std::array<size_t, 4> order = {0, 1, 2, 3};
  std::sort(order.begin(), order.end(),
            [&view](size_t a, size_t b) { return distance(view.stride[a]) < distance(view.stride[b]); });
  uint64_t inner = 1;  // elements that the axes so far span
  for (const size_t axis : order) {
    if (view.shape[axis] == 1) continue;
    const uint64_t stride = distance(view.stride[axis]);
    if (stride < inner) return true;
    inner += static_cast<uint64_t>(view.shape[axis] - 1) * stride;
  }
  return false;
}

bool overlap(const TensorView& a, const ByteRange& a_range, const TensorView& b, const ByteRange& b_range) {
  if (a_range.empty() || b_range.empty()) return false;
  if (a_range.last <= b_range.first || b_range.last <= a_range.first) return false;
  const uint64_t pitch = distance(a.stride[2]);
  const bool comparable =
      pitch > 1 && pitch <= INT64_MAX && pitch == distance(b.stride[2]) && a.dtype == b.dtype;
  return !comparable || !apart_within(a, b, static_cast<int64_t>(pitch));
}

}  // namespace attend
