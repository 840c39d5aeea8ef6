// From the weights that a word gave the patches to a map over the photo.
#ifndef ATTEND_CAPTIONER_ATTENTION_MAP_H_
#define ATTEND_CAPTIONER_ATTENTION_MAP_H_

#include <span>
#include <vector>

#include "attend/captioner.h"

namespace attend {

/// A patch map [grid, grid] at width x height points of the photo, row by row: the squash is undone, as patch
/// (r, c) covers the photo from (c / grid, r / grid) to ((c + 1) / grid, (r + 1) / grid) of its sides.
/// Smooth: a uniform cubic B-spline, which stays between the least and the most weight and draws no ripples;
/// a lone patch's peak is lowered to 4/9 by it. Weights past the edges are those at the edges.
std::vector<float> upsample_map(std::span<const float> map, int grid, int width, int height);

/// exp(entropy) / patches: the share of the photo that the weights spread over. 1 when all are equal, 1 /
/// patches when one has everything; 0 for a map without weight.
double spread(std::span<const float> map);

/// A map this spread out singles nothing out; it is called diffuse rather than drawn as if it had a hot spot.
inline constexpr double kDiffuseSpread = 0.85;
bool is_diffuse(std::span<const float> map);

/// The weight that gets the hottest colour in all maps of a caption, so that they can be compared: the
/// largest of the upsampled weights of its words, but at least four times an even share, so that little
/// differences do not glow.
double colour_scale(const Caption& caption);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_ATTENTION_MAP_H_
