// How queries are laid into vector lanes.
//
// A work item takes a block of up to 96 queries, or 192. The block is cut into panels of one to three
// vectors; the queries of a panel are the lanes of its vectors, so that maximum, exponential, sum and
// rescaling are vertical operations and the keys and values are read in place, one broadcast number at a
// time. 96 is a multiple of every full panel: 12 lanes with 4-lane vectors, 24 with 8, 48 with 16. Sizes
// depend on the shapes alone, never on the workers.
#ifndef ATTEND_ATTENTION_PANEL_H_
#define ATTEND_ATTENTION_PANEL_H_

#include <algorithm>
#include <cstdint>

#include "attention/mask.h"

namespace attend {

/// Floats of the narrowest and of the widest vector of any instruction set.
inline constexpr int kNarrowestVector = 4, kWidestVector = 16;

inline constexpr int kBlockQueries = 96;
inline constexpr int kLargestBlock = 2 * kBlockQueries;  // where keys and values are copied for each block
inline constexpr int kPanelVectors = 3;
inline constexpr int kTileKeys = 64;  // with K, V, scores and one panel within reach of the L1 cache
inline constexpr int kWidestPanel = kPanelVectors * kWidestVector;
/// Queries that share a pass over keys and values when there are few of them.
inline constexpr int kSharedRows = 4;
static_assert(kTileKeys <= kMaskTile && kWidestPanel <= kMaskTile);

/// Floats of a row of `width`, padded to whole vectors of any instruction set.
constexpr int64_t padded_width(int64_t width) {
  return (width + kWidestVector - 1) / kWidestVector * kWidestVector;
}

struct Panel {
  int lane = 0;     // its first lane, which is also its first query, in the block
  int vectors = 0;  // 1..kPanelVectors
  int queries = 0;  // lanes in use
};

/// Panels side by side, of kWidestPanel lanes at most.
struct PanelGroup {
  const Panel *first, *last;

  const Panel* begin() const { return first; }
  const Panel* end() const { return last; }
  int queries() const { return last[-1].lane + last[-1].queries - first->lane; }
  /// Lanes before a panel of the group.
  int before(const Panel& panel) const { return panel.lane - first->lane; }
};

/// The panels of a block of `queries` queries on vectors of `lanes` lanes.
class PanelPlan {
 public:
  PanelPlan(int queries, int lanes) : lanes_(lanes), width_((queries + lanes - 1) / lanes * lanes) {
    for (int lane = 0; lane < width_;) {
      const int left = (width_ - lane) / lanes;
      // Four vectors make two panels of two: a panel of one has too few sums in flight to fill the
      // multipliers.
      const int vectors = left == kPanelVectors + 1 ? 2 : std::min(left, kPanelVectors);
      panels_[count_++] = {lane, vectors, std::min(queries - lane, vectors * lanes)};
      lane += vectors * lanes;
    }
  }

  const Panel* begin() const { return panels_; }
  const Panel* end() const { return panels_ + count_; }
  /// As many panels as one group holds, from `first` on.
  PanelGroup group(const Panel* first) const {
    const Panel* last = first;
    while (last != end() && last->lane + last->vectors * lanes_ - first->lane <= kWidestPanel) ++last;
    return {first, last};
  }
  /// Lanes of all panels together.
  int width() const { return width_; }

 private:
  Panel panels_[kLargestBlock / (kPanelVectors * kNarrowestVector) + 1];
  int count_ = 0;
  int lanes_, width_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_PANEL_H_
