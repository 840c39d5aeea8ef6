// The weights of an EfficientNet-Lite (Tan and Le 2019, "EfficientNet: Rethinking model scaling for
// convolutional neural networks"; Lite: Liu 2020, without squeeze-and-excitation, with ReLU6), up to its last
// feature map.
//
// Batch norm is folded into the convolutions. A checkpoint says everything: the shapes give widths and
// kernels, the metadata the strides, so that one loader reads Lite0, Lite1, ... and any smaller relative.
//
//   PREFIXstem.{weight,bias}                     [C, 3, k, k]     stride 2
//   PREFIXblocks.N.expand.{weight,bias}          [E, C, 1, 1]     absent where the block does not expand
//   PREFIXblocks.N.depthwise.{weight,bias}       [E, 1, k, k]     the block's stride
//   PREFIXblocks.N.project.{weight,bias}         [O, E, 1, 1]     no activation
//   PREFIXhead.{weight,bias}                     [channels, O, 1, 1]
//   metadata PREFIXarchitecture = "efficientnet-lite", PREFIXstrides = "1 2 1 ...", one number a block
#ifndef ATTEND_VISION_EFFICIENTNET_LITE_H_
#define ATTEND_VISION_EFFICIENTNET_LITE_H_

#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "checkpoint/safetensors.h"
#include "nn/conv2d.h"

namespace attend {

/// An inverted residual block: widen, convolve each channel by itself, narrow. Where the shapes allow, the
/// narrowing convolution adds to the block's input, in place.
struct InvertedResidual {
  std::optional<Conv2d> expand;
  Conv2d depthwise;
  Conv2d project;
};

struct EfficientNetLite {
  Conv2d stem;
  std::vector<InvertedResidual> blocks;
  Conv2d head;

  /// Pixels of the input a side of one pixel of the features: the product of all strides.
  int64_t patch_side() const;
};

/// Errors: kCorrupt naming the tensor or the metadata at fault, kNotFound, kUnsupported for another
/// architecture.
Result<EfficientNetLite> load_efficientnet_lite(const Safetensors& file, const std::string& prefix);

}  // namespace attend

#endif  // ATTEND_VISION_EFFICIENTNET_LITE_H_
