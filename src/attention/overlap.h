// Whether strided views share memory.
#ifndef ATTEND_ATTENTION_OVERLAP_H_
#define ATTEND_ATTENTION_OVERLAP_H_

#include <cstdint>
#include <optional>

#include "attend/tensor.h"

namespace attend {

/// The addresses that a view touches: [first, last), in bytes.
struct ByteRange {
  int64_t first = 0, last = 0;
  bool empty() const { return first == last; }
};

/// The range of a view; nothing when it does not fit an address space. Empty for a view without elements.
std::optional<ByteRange> byte_range(const TensorView& view);

/// Whether two elements of the view lie at the same address. May say so of an interleaving that happens to be
/// free of collisions when no axis encloses the other; every tensor that was cut out of a dense one is judged
/// exactly.
bool overlaps_itself(const TensorView& view);

/// Whether the views share a byte. Views interleaved within rows of one pitch, such as the query, key and
/// value parts of one projection, are told apart; other interleavings count as overlapping.
bool overlap(const TensorView& a, const ByteRange& a_range, const TensorView& b, const ByteRange& b_range);

}  // namespace attend

#endif  // ATTEND_ATTENTION_OVERLAP_H_
