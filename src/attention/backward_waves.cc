#include "attention/backward_waves.h"

#include <algorithm>

#include "attention/backward_rounds.h"
#include "base/arena.h"

namespace attend {
namespace {

/// Bytes of the dense sums of a gradient.
size_t gradient_bytes(int64_t heads, int64_t rows, int64_t width) {
  return round_to_lines(static_cast<size_t>(heads * rows * width) * sizeof(float));
}

/// Bytes of the sums of so many key/value heads, and of the queries that ask them.
size_t sums_bytes(const Sizes& n, int64_t heads) {
  return gradient_bytes(heads * n.group(), n.Tq, n.D) + gradient_bytes(heads, n.Tk, n.D) +
         gradient_bytes(heads, n.Tk, n.Dv);
}

int64_t ceiling(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// `data` for rows of which `skipped` heads, the first, have no memory and are not touched.
template <class T>
T* before(std::byte* shared, int64_t skipped, int64_t head) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): what begins before its memory is no pointer yet
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(shared) -
                              static_cast<uintptr_t>(skipped * head) * sizeof(T));
}

}  // namespace

BackwardWaves::BackwardWaves(const Sizes& n, const RowForm& form, size_t most_bytes)
    : heads_(n.B * n.Hkv), wave_heads_(heads_), count_(std::min<int64_t>(heads_, 1)) {
  if (heads_ == 0 || !form.narrow()) return;
  const auto fitting = static_cast<int64_t>(most_bytes / std::max<size_t>(1, sums_bytes(n, 1)));
  const int64_t busy = ceiling(kWaveKeyBlocks, BackwardRounds(n).key_blocks());
  count_ = ceiling(heads_, std::clamp<int64_t>(std::max(fitting, busy), 1, heads_));
  wave_heads_ = ceiling(heads_, count_);
  bytes_ = sums_bytes(n, wave_heads_);
}

Range BackwardWaves::heads(int64_t wave) const {
  return {std::min(wave * wave_heads_, heads_), std::min((wave + 1) * wave_heads_, heads_)};
}

template <class T>
void place_sums(BackwardProblem<T>& p, const Range& heads, std::byte* shared) {
  const Sizes& n = p.sizes;
  const int64_t count = heads.end - heads.begin;
  const auto place = [&](OutputRows<T>& gradient, int64_t sharing, int64_t rows, int64_t width) {
    if (!gradient.narrow.present()) return;
    gradient.step = width;
    gradient.head = rows * width;
    gradient.batch = n.Hkv * sharing * gradient.head;
    gradient.data = before<T>(shared, heads.begin * sharing, gradient.head);
    shared += gradient_bytes(count * sharing, rows, width);
  };
  place(p.query_gradient, n.group(), n.Tq, n.D);
  place(p.key_gradient, 1, n.Tk, n.D);
  place(p.value_gradient, 1, n.Tk, n.Dv);
}

template void place_sums(BackwardProblem<float>&, const Range&, std::byte*);
template void place_sums(BackwardProblem<double>&, const Range&, std::byte*);

}  // namespace attend
