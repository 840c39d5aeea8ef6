#include "translation/translate.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

namespace attend {

std::vector<SpokenSentence> translate(std::span<const std::vector<int32_t>> sources,
                                      const SpecialWords& special, const GenerationOptions& options,
                                      int64_t at_once, const TranslationModel<float>& model,
                                      Executor& executor) {
  std::vector<size_t> order(sources.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return sources[i].size(); });
  std::vector<SpokenSentence> translations(sources.size());
  std::vector<int32_t> pieces;
  std::vector<int64_t> offsets, limits;
  for (size_t first = 0; first < order.size(); first += static_cast<size_t>(at_once)) {
    const std::span<const size_t> some =
        std::span(order).subspan(first, std::min(static_cast<size_t>(at_once), order.size() - first));
    pieces.clear();
    limits.clear();
    offsets.assign(1, 0);
    for (const size_t i : some) {
      pieces.insert(pieces.end(), sources[i].begin(), sources[i].end());
      pieces.push_back(special.end);
      offsets.push_back(static_cast<int64_t>(pieces.size()));
      limits.push_back(most_target_pieces(static_cast<int64_t>(sources[i].size())));
    }
    const std::unique_ptr<NextWord> next =
        read(pieces, offsets, {options.keep_attention, limits}, model, executor);
    std::vector<std::vector<SpokenSentence>> found = generate(*next, special, options);
    for (size_t i = 0; i < some.size(); ++i) translations[some[i]] = std::move(found[i].front());
  }
  return translations;
}

}  // namespace attend
