// The problems that forward and backward kernels are both tried on.
#ifndef ATTEND_TESTS_ATTENTION_CASE_LISTS_H_
#define ATTEND_TESTS_ATTENTION_CASE_LISTS_H_

#include <limits>
#include <vector>

#include "attention/attention_case.h"

namespace attend {

using CaseList = std::vector<CaseSpec>;

/// Around the widths of registers, tiles and blocks.
inline constexpr int64_t kAwkward[] = {1, 7, 8, 9, 63, 64, 65, 257};

inline CaseList awkward_numbers_of_queries_and_keys() {
  CaseList cases;
  for (const int64_t Tq : kAwkward) {
    for (const int64_t Tk : kAwkward) cases.push_back({.sizes = {1, 2, 2, Tq, Tk, 17, 9}});
  }
  return cases;
}

inline CaseList awkward_widths(int64_t Tq) {
  CaseList cases;
  for (const int64_t D : kAwkward) {
    for (const int64_t Dv : kAwkward) cases.push_back({.sizes = {1, 1, 1, Tq, 70, D, Dv}});
  }
  return cases;
}

inline CaseList strided() {
  CaseList cases;
  for (const Layout layout : {Layout::kTimeMajor, Layout::kGaps, Layout::kBroadcastBatch}) {
    for (const int64_t Tq : {3, 65}) {
      for (const MaskKind mask : {MaskKind::kNone, MaskKind::kFull}) {
        cases.push_back({.sizes = {2, 4, 4, Tq, 81, 40, 24}, .mask = mask, .layout = layout});
      }
    }
  }
  return cases;
}

inline CaseList shared_key_heads() {
  CaseList cases;
  for (const int64_t Hkv : {1, 2, 3, 6}) {
    cases.push_back({.sizes = {2, 6, Hkv, 30, 40, 16, 20}});
    cases.push_back({.sizes = {2, 6, Hkv, 2, 40, 16, 20}, .causal = Causal::kLowerRight});
  }
  return cases;
}

inline CaseList causal_from_either_corner() {
  CaseList cases;
  for (const Causal causal : {Causal::kUpperLeft, Causal::kLowerRight}) {
    for (const int64_t Tq : {1, 4, 30, 64, 150}) {
      for (const int64_t Tk : {1, 30, 64, 65, 200}) {
        cases.push_back({.sizes = {1, 2, 1, Tq, Tk, 32, 16}, .causal = causal});
      }
    }
  }
  return cases;
}

inline CaseList windows_and_offsets() {
  CaseList cases;
  for (const AttentionWindow& window :
       std::vector<AttentionWindow>{{-1, -1}, {0, 0}, {20, 3}, {-1, 7}, {70, -1}}) {
    for (const int64_t Tq : {3, 40, 230}) {
      const Sizes sizes = {2, 2, 1, Tq, 300, 20, 12};
      cases.push_back({.sizes = sizes, .causal = Causal::kUpperLeft, .window = window});
      cases.push_back({.sizes = sizes, .window = window, .ragged = true});
      cases.push_back({.sizes = sizes, .window = window, .offset = {37}, .mask = MaskKind::kFull});
      cases.push_back(
          {.sizes = sizes, .causal = Causal::kQueryOffset, .window = window, .offset = {250, 60 - Tq}});
    }
  }
  return cases;
}

inline CaseList biased() {
  CaseList cases;
  for (const BiasKind bias :
       {BiasKind::kFull, BiasKind::kHeads, BiasKind::kQueries, BiasKind::kKeys, BiasKind::kOneNumber}) {
    for (const int64_t Tq : {3, 37, 210}) {
      const Sizes sizes = {2, 4, 2, Tq, 299, 20, 12};
      cases.push_back({.sizes = sizes, .bias = bias});
      cases.push_back({.sizes = sizes, .causal = Causal::kLowerRight, .bias = bias, .transposed_bias = true});
    }
  }
  return cases;
}

/// Finite biases as far out as additive masks have them: none of them masks.
inline CaseList biased_to_the_ends() {
  constexpr float kLargest = std::numeric_limits<float>::max();
  CaseList cases;
  for (const float far : {-kLargest, kLargest}) {
    for (const BiasKind bias : {BiasKind::kFull, BiasKind::kQueries, BiasKind::kKeys}) {
      for (const int64_t Tq : {3, 70}) {
        const Sizes sizes = {2, 4, 2, Tq, 99, 20, 12};
        cases.push_back({.sizes = sizes, .bias = bias, .far_bias = far});
        cases.push_back({.sizes = sizes,
                         .causal = Causal::kLowerRight,
                         .ragged = true,
                         .mask = MaskKind::kFull,
                         .bias = bias,
                         .far_bias = far,
                         .alibi = true,
                         .softcap = 3,
                         .sinks = true});
      }
    }
  }
  return cases;
}

/// The least float16 as an additive mask, on some keys or whole rows, in which scores keep 2^-8 of
/// themselves.
inline CaseList biased_by_the_least_half() {
  CaseList cases;
  for (const BiasKind bias : {BiasKind::kFull, BiasKind::kQueries, BiasKind::kKeys}) {
    for (const Sizes& sizes : {Sizes{75, 2, 2, 4, 99, 20, 12}, Sizes{4, 2, 2, 75, 99, 20, 12}}) {
      cases.push_back({.sizes = sizes, .bias = bias, .far_bias = -65504});
    }
  }
  return cases;
}

inline CaseList alibi_and_softcap() {
  CaseList cases;
  for (const int64_t Tq : {2, 50, 130}) {
    const Sizes sizes = {2, 4, 2, Tq, 200, 32, 12};
    cases.push_back({.sizes = sizes, .alibi = true});
    cases.push_back({.sizes = sizes, .causal = Causal::kUpperLeft, .alibi = true});
    cases.push_back({.sizes = sizes, .window = {40, 5}, .offset = {50, 7}, .alibi = true});
    for (const float softcap : {1.5f, 20.0f}) {
      cases.push_back({.sizes = sizes, .softcap = softcap});
      cases.push_back({.sizes = sizes, .softcap = softcap, .magnitude = 6});
    }
  }
  return cases;
}

inline CaseList with_sinks_and_dropout() {
  CaseList cases;
  for (const int64_t Tq : {2, 50, 130}) {
    const Sizes sizes = {2, 4, 2, Tq, 200, 32, 12};
    cases.push_back({.sizes = sizes, .sinks = true});
    cases.push_back({.sizes = sizes, .mask = MaskKind::kOneRowAllMasked, .sinks = true});
    cases.push_back({.sizes = sizes, .dropout = 0.1f});
    cases.push_back(
        {.sizes = sizes, .causal = Causal::kLowerRight, .mask = MaskKind::kFull, .dropout = 0.6f});
  }
  return cases;
}

/// Every layout, with part of the features or all of them turned, at positions of every kind.
inline CaseList turned_by_positions() {
  CaseList cases;
  for (const RopeLayout layout : {RopeLayout::kHalfSplit, RopeLayout::kInterleaved}) {
    for (const int64_t Tq : {3, 70, 210}) {
      const Sizes sizes = {2, 4, 2, Tq, 299, 40, 12};
      for (const int64_t width : {2, 6, 34, 40}) {
        cases.push_back({.sizes = sizes, .causal = Causal::kLowerRight, .rope = {width, layout}});
      }
      cases.push_back({.sizes = sizes, .ragged = true, .mask = MaskKind::kFull, .rope = {40, layout, true}});
      cases.push_back({.sizes = {2, 2, 2, Tq, 130, 17, 9}, .offset = {5, 60}, .rope = {16, layout}});
      cases.push_back({.sizes = sizes,
                       .causal = Causal::kUpperLeft,
                       .window = {90, -1},
                       .rope = {24, layout},
                       .layout = Layout::kGaps});
    }
  }
  return cases;
}

/// Everything at once.
inline CaseList combined() {
  CaseList cases;
  for (const int64_t Tq : {2, 50, 230}) {
    for (const BiasKind bias : {BiasKind::kHeads, BiasKind::kKeys}) {
      cases.push_back({.sizes = {2, 4, 2, Tq, 290, 24, 20},
                       .causal = Causal::kQueryOffset,
                       .window = {130, -1},
                       .offset = {250 - Tq, 40},
                       .ragged = true,
                       .mask = MaskKind::kFull,
                       .bias = bias,
                       .alibi = true,
                       .softcap = 3,
                       .sinks = true,
                       .dropout = 0.2f,
                       .rope = {16, RopeLayout::kInterleaved, bias == BiasKind::kKeys},
                       .layout = Layout::kGaps});
    }
  }
  return cases;
}

inline CaseList lengths_and_masks() {
  CaseList cases;
  for (const MaskKind mask :
       {MaskKind::kNone, MaskKind::kFull, MaskKind::kKeysOnly, MaskKind::kOneRowAllMasked}) {
    for (const Causal causal : {Causal::kNone, Causal::kUpperLeft}) {
      for (const int64_t Tq : {2, 40, 130}) {
        for (const uint64_t seed : {1, 2, 3}) {
          cases.push_back({.sizes = {3, 2, 2, Tq, 90, 24, 8},
                           .causal = causal,
                           .ragged = true,
                           .mask = mask,
                           .seed = seed});
        }
      }
    }
  }
  return cases;
}

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_CASE_LISTS_H_
