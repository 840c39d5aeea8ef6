#include "evaluation/rouge_l.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace attend {
namespace {

constexpr double kBeta = 1.2;

// The textbook's table, a row at a time: row[j] is the length of the longest common subsequence of the words
// of `a` so far and the first j of `b`.
int32_t longest_common_subsequence(std::span<const int32_t> a, std::span<const int32_t> b) {
  std::vector<int32_t> row(b.size() + 1, 0);
  for (const int32_t word : a) {
    int32_t diagonal = 0;  // of the row before, one to the left
    for (size_t j = 0; j < b.size(); ++j) {
      const int32_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

double length(std::span<const int32_t> sentence) {
  return static_cast<double>(std::max<size_t>(1, sentence.size()));
}

}  // namespace

double rouge_l(std::span<const int32_t> candidate, std::span<const WordIds> references) {
  double precision = 0, recall = 0;
  for (const WordIds& reference : references) {
    const bool both_empty = candidate.empty() && reference.empty();
    const double common = both_empty ? 1.0 : longest_common_subsequence(candidate, reference);
    precision = std::max(precision, common / length(candidate));
    recall = std::max(recall, common / length(reference));
  }
  if (precision == 0 || recall == 0) return 0;
  constexpr double kBeta2 = kBeta * kBeta;
  return (1 + kBeta2) * precision * recall / (recall + kBeta2 * precision);
}

}  // namespace attend
