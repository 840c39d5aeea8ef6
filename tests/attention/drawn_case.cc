#include "attention/drawn_case.h"

#include <algorithm>

namespace attend {
namespace {

/// In 1..64 mostly, around the edges of tiles and blocks sometimes.
int64_t draw_length(Choices& choices) {
  constexpr int64_t kEdges[] = {1, 2, 7, 8, 9, 63, 64, 65, 127, 129, 191, 193, 257};
  return choices.once_in(4) ? choices.of(kEdges) : choices.between(1, 64);
}

int64_t draw_width(Choices& choices) {
  constexpr int64_t kWidths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 64, 65};
  return choices.once_in(64) ? choices.between(66, 300) : choices.of(kWidths);
}

/// Fewer batch rows, then heads, then features, until the reference takes milliseconds.
void keep_small(Sizes& n) {
  constexpr int64_t kMostProducts = 3'000'000;
  for (int64_t* axis : {&n.B, &n.Hq, &n.D, &n.Dv}) {
    if (n.B * n.Hq * n.Tq * n.Tk * (n.D + n.Dv) <= kMostProducts) return;
    *axis = axis == &n.Hq ? n.Hkv : axis == &n.B ? 1 : std::min<int64_t>(*axis, 17);
  }
}

void draw_position(Choices& choices, CaseSpec& spec) {
  constexpr Causal kKinds[] = {Causal::kNone, Causal::kUpperLeft, Causal::kLowerRight, Causal::kQueryOffset};
  spec.causal = choices.of(kKinds);
  const bool named = spec.causal == Causal::kUpperLeft || spec.causal == Causal::kLowerRight;
  if (spec.causal == Causal::kQueryOffset || (!named && choices.once_in(4))) {
    const int64_t count = choices.flip() ? spec.sizes.B : 1;
    const int64_t reach = spec.sizes.Tq + spec.sizes.Tk + 3;
    for (int64_t b = 0; b < count; ++b) spec.offset.push_back(choices.between(-reach, reach));
  }
  if (choices.once_in(3)) {
    spec.window = {choices.between(-1, spec.sizes.Tk), choices.between(-1, spec.sizes.Tk)};
  }
}

void draw_scores(Choices& choices, CaseSpec& spec) {
  constexpr float kScales[] = {0.0f, -0.5f, 1.7f, 0.01f}, kMagnitudes[] = {0.01f, 6.0f, 40.0f},
                  kSoftcaps[] = {0.5f, 3.0f, 50.0f}, kRates[] = {0.1f, 0.5f, 0.9f};
  constexpr BiasKind kBiases[] = {BiasKind::kFull, BiasKind::kHeads, BiasKind::kQueries, BiasKind::kKeys,
                                  BiasKind::kOneNumber};
  if (choices.once_in(4)) spec.scale = choices.of(kScales);
  if (choices.once_in(3)) spec.magnitude = choices.of(kMagnitudes);
  if (choices.once_in(4)) spec.softcap = choices.of(kSoftcaps);
  if (choices.once_in(4)) spec.dropout = choices.of(kRates);
  if (choices.once_in(3)) {
    spec.bias = choices.of(kBiases);
    spec.transposed_bias = choices.flip();
  }
  spec.alibi = choices.once_in(4);
  spec.sinks = choices.once_in(4);
}

}  // namespace

Sizes draw_sizes(Choices& choices) {
  Sizes n = {};
  n.B = choices.between(1, 3);
  n.Hkv = choices.between(1, 2);
  n.Hq = n.Hkv * choices.between(1, 3);
  n.Tq = choices.flip() ? draw_length(choices) : choices.between(1, 9);
  n.Tk = draw_length(choices);
  n.D = draw_width(choices);
  n.Dv = choices.flip() ? n.D : draw_width(choices);
  if (choices.once_in(64)) (choices.flip() ? n.Tq : n.Tk) = 0;
  keep_small(n);
  return n;
}

CaseSpec draw_case(Choices& choices) {
  constexpr MaskKind kMasks[] = {MaskKind::kFull, MaskKind::kKeysOnly, MaskKind::kOneRowAllMasked};
  constexpr Layout kLayouts[] = {Layout::kDense, Layout::kTimeMajor, Layout::kGaps, Layout::kBroadcastBatch};
  CaseSpec spec;
  spec.sizes = draw_sizes(choices);
  spec.seed = static_cast<uint64_t>(choices.between(0, 255));
  draw_position(choices, spec);
  spec.ragged = choices.once_in(3);
  if (choices.once_in(3) && spec.sizes.Tq > 0) spec.mask = choices.of(kMasks);
  draw_scores(choices, spec);
  spec.layout = choices.of(kLayouts);
  return spec;
}

CaseSpec draw_turned_case(Choices& choices) {
  CaseSpec spec = draw_case(choices);
  const Sizes& n = spec.sizes;
  if (!choices.once_in(4) || n.D < 2 || n.Tq == 0 || n.Tk == 0) return spec;
  // Where queries stand follows from their order, unless some would stand before the first position.
  const bool orderly = spec.offset.empty() && (spec.causal == Causal::kUpperLeft || n.Tq <= n.Tk);
  spec.rope = {2 * choices.between(1, n.D / 2),
               choices.flip() ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit,
               choices.flip() || !orderly};
  return spec;
}

PackedSpec draw_packed(Choices& choices) {
  constexpr Causal kKinds[] = {Causal::kNone, Causal::kUpperLeft, Causal::kLowerRight, Causal::kQueryOffset};
  constexpr Layout kLayouts[] = {Layout::kDense, Layout::kTimeMajor, Layout::kGaps};
  PackedSpec spec;
  for (int64_t left = choices.between(1, 5); left > 0; --left) {
    const bool empty = choices.once_in(8);
    spec.lengths.push_back({empty && choices.flip() ? 0 : draw_length(choices),
                            empty && choices.flip() ? 0 : draw_length(choices)});
  }
  spec.Hkv = choices.between(1, 2);
  spec.Hq = spec.Hkv * choices.between(1, 3);
  spec.rope = choices.once_in(4);
  spec.D = std::max<int64_t>(draw_width(choices), spec.rope ? 16 : 1);
  spec.Dv = draw_width(choices);
  spec.causal = choices.of(kKinds);
  const bool named = spec.causal == Causal::kUpperLeft || spec.causal == Causal::kLowerRight;
  spec.offsets = spec.causal == Causal::kQueryOffset || (!named && choices.once_in(4));
  if (choices.once_in(3)) spec.window = {choices.between(-1, 70), choices.between(-1, 70)};
  spec.kv_lengths = choices.once_in(3);
  (choices.flip() ? spec.mask : spec.key_mask) = choices.once_in(3);
  (choices.flip() ? spec.bias : spec.shared_bias) = choices.once_in(3);
  spec.alibi = choices.once_in(4);
  spec.softcap = choices.once_in(4) ? 2.0f : 0.0f;
  spec.sinks = choices.once_in(4);
  spec.dropout = choices.once_in(4) ? 0.3f : 0.0f;
  spec.layout = choices.of(kLayouts);
  spec.seed = static_cast<uint64_t>(choices.between(0, 255));
  return spec;
}

}  // namespace attend
