// What a TIFF says about the samples that its pixels have beyond those of their colours.
#ifndef ATTEND_VISION_TIFF_SAMPLES_H_
#define ATTEND_VISION_TIFF_SAMPLES_H_

#include <cstddef>
#include <optional>
#include <span>

namespace attend {

/// Which extra sample of the first image of a TIFF (or BigTIFF) is its transparency, counted from 0: the
/// first that ExtraSamples calls so. None where it calls each of them something else: an infrared channel, a
/// spot colour, a mask. 0 where the file does not say, or is none of these formats.
std::optional<int> transparent_extra_sample(std::span<const std::byte> file);

}  // namespace attend

#endif  // ATTEND_VISION_TIFF_SAMPLES_H_
