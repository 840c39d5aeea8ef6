#include "decode/drawn_cache.h"

#include <algorithm>

namespace attend {

CacheSpec draw_cache(Choices& choices) {
  constexpr int64_t kWidths[] = {1, 3, 4, 7, 8, 9, 16, 17, 32, 40, 64, 65, 130},
                    kEdges[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 511, 512, 513, 700, 1025},
                    kPages[] = {0, 1, 3, 16, 64, 100};
  constexpr DType kQueries[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16};
  CacheSpec spec;
  spec.Hkv = choices.between(1, 2);
  spec.Hq = spec.Hkv * choices.between(1, 5);
  spec.Tq = choices.flip() ? 1 : choices.between(1, 9);
  spec.D = choices.of(kWidths);
  spec.Dv = choices.flip() ? spec.D : choices.of(kWidths);
  spec.lengths.clear();
  for (int64_t s = choices.between(1, 3); s > 0; --s) {
    const bool small = spec.Hq * spec.Tq * (spec.D + spec.Dv) > 1500 || choices.flip();
    spec.lengths.push_back(small ? choices.between(0, 70) : choices.of(kEdges));
  }
  spec.page_size = choices.of(kPages);
  spec.stored = choices.of(kStored);
  spec.query = choices.of(kQueries);
  spec.magnitude = choices.once_in(4) ? 8.0f : 1.0f;
  spec.seed = static_cast<uint64_t>(choices.between(0, 255));
  return spec;
}

DrawnDecodeOptions::DrawnDecodeOptions(Choices& choices, const CacheCase& problem) {
  constexpr float kScales[] = {0.0f, -0.5f, 1.5f}, kSoftcaps[] = {0.5f, 3.0f, 50.0f};
  constexpr Causal kKinds[] = {Causal::kLowerRight, Causal::kNone, Causal::kUpperLeft};
  const CacheSpec& spec = problem.spec;
  if (choices.once_in(4)) scale = choices.of(kScales);
  if (choices.once_in(3)) causal = choices.of(kKinds);
  if (choices.once_in(3)) window = {choices.between(-1, 600), choices.between(-1, 60)};
  if (choices.once_in(4)) softcap = choices.of(kSoftcaps);
  for (int64_t b = 0, some = choices.once_in(4); some && b < problem.B(); ++b)
    query_counts.push_back(choices.between(0, spec.Tq));
  for (int64_t h = 0, some = choices.once_in(4); some && h < spec.Hq; ++h)
    alibi_slopes.push_back(0.5f / static_cast<float>(h + 1));
  for (int64_t h = 0, some = choices.once_in(4); some && h < spec.Hq; ++h)
    sinks.push_back(static_cast<float>(choices.between(-3, 3)));
}

namespace {

/// One number a head; absent when there is none.
TensorView per_head(const std::vector<float>& numbers) {
  if (numbers.empty()) return {};
  return {numbers.data(), Shape{1, static_cast<int64_t>(numbers.size()), 1, 1}};
}

}  // namespace

DecodeOptions DrawnDecodeOptions::on(Isa isa) const {
  return {.scale = scale,
          .causal = causal,
          .window = window,
          .query_counts = query_counts,
          .alibi_slopes = per_head(alibi_slopes),
          .softcap = softcap,
          .sinks = per_head(sinks),
          .isa = isa};
}

bool is_seen(const CacheCase& problem, const DecodeOptions& o, int64_t sequence, int64_t j) {
  for (int64_t b = 0; b < problem.B(); ++b) {
    const auto row = static_cast<size_t>(b);
    if ((problem.sequences.empty() ? b : problem.sequences[row]) != sequence) continue;
    const int64_t queries = o.query_counts.empty() ? problem.spec.Tq : o.query_counts[row],
                  length = problem.lengths[static_cast<size_t>(sequence)];
    for (int64_t i = 0; i < queries; ++i) {
      const int64_t position = o.causal == Causal::kUpperLeft ? i : length - queries + i;
      if ((o.causal == Causal::kNone || j <= position) &&
          (o.window.left < 0 || j >= position - o.window.left) &&
          (o.window.right < 0 || j <= position + o.window.right)) {
        return true;
      }
    }
  }
  return false;
}

void poison_unseen_tokens(CacheCase& problem, const DecodeOptions& options, float poison) {
  for (size_t s = 0; s < problem.lengths.size(); ++s) {
    const auto sequence = static_cast<int64_t>(s);
    for (int64_t j = 0; j < problem.lengths[s]; ++j) {
      if (is_seen(problem, options, sequence, j)) continue;
      for (int64_t head = 0; head < problem.spec.Hkv; ++head) {
        problem.set_key(sequence, head, j, poison);
        problem.set_value(sequence, head, j, poison);
      }
    }
  }
}

}  // namespace attend
