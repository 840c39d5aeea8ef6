#include "language/repetition.h"

#include <algorithm>

namespace attend {

std::vector<int32_t> words_that_repeat(std::span<const int32_t> said, int n) {
  std::vector<int32_t> repeating;
  if (n < 1 || said.size() < static_cast<size_t>(n)) return repeating;
  const size_t prefix = static_cast<size_t>(n) - 1;
  const std::span<const int32_t> last = said.last(prefix);
  for (size_t i = 0; i + prefix < said.size(); ++i) {
    if (std::ranges::equal(said.subspan(i, prefix), last)) repeating.push_back(said[i + prefix]);
  }
  return repeating;
}

}  // namespace attend
