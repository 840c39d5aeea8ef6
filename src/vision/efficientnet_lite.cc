#include "vision/efficientnet_lite.h"

#include <algorithm>
#include <sstream>

namespace attend {
namespace {

constexpr int64_t kStemStride = 2;

/// Bounds that no member of the family comes near; they keep a hostile file from asking for endless memory.
constexpr size_t kMostBlocks = 256;
constexpr int64_t kMostChannels = 1 << 14;
constexpr int64_t kLargestStride = 4;
constexpr int64_t kLargestPatchSide = 256;

Status corrupt(const Safetensors& file, const std::string& what) {
  return {StatusCode::kCorrupt, file.name() + ": " + what};
}

/// A convolution as the file holds it: `options` comes with everything but kernel and channels, which the
/// shape gives. `in_channels` 0 stands for a depthwise convolution's single input.
Result<Conv2d> load_convolution(const Safetensors& file, const std::string& name, int64_t in_channels,
                                Conv2dOptions options) {
  const Result<std::vector<int64_t>> shape = file.shape(name + ".weight");
  if (!shape.ok()) return shape.status();
  const std::vector<int64_t>& s = shape.value();  // [out, in, kernel, kernel]
  const bool depthwise = options.kind == ConvolutionKind::kDepthwise;
  if (s.size() != 4 || s[2] != s[3] || s[2] % 2 == 0 || s[2] > 15 || s[0] < 1 || s[0] > kMostChannels ||
      s[1] != (depthwise ? 1 : in_channels) || (depthwise && s[0] != in_channels)) {
    return corrupt(file, "tensor '" + name + ".weight' is no " + (depthwise ? "depthwise " : "") +
                             "convolution of " + std::to_string(in_channels) +
                             " channels with a square, odd kernel");
  }
  options.in_channels = in_channels;
  options.out_channels = s[0];
  options.kernel = s[2];
  std::vector<float> weights(static_cast<size_t>(s[0] * s[1] * s[2] * s[3])), bias(static_cast<size_t>(s[0]));
  ATTEND_RETURN_IF_ERROR(file.read(name + ".weight", s, weights));
  ATTEND_RETURN_IF_ERROR(file.read(name + ".bias", {&s[0], 1}, bias));
  Result<Conv2d> convolution = Conv2d::create(options, weights, bias);
  if (!convolution.ok()) {
    return Status(convolution.status().code(),
                  file.name() + ": '" + name + "': " + convolution.status().message());
  }
  return convolution;
}

Result<std::vector<int64_t>> read_strides(const Safetensors& file, const std::string& prefix) {
  const Result<std::string> text = file.metadata_value(prefix + "strides");
  if (!text.ok()) return text.status();
  std::istringstream words(text.value());
  std::vector<int64_t> strides;
  int64_t patch_side = kStemStride;
  bool sane = true;
  for (int64_t stride = 0; sane && words >> stride;) {
    strides.push_back(stride);
    sane = stride >= 1 && stride <= kLargestStride && strides.size() <= kMostBlocks;
    patch_side *= stride;
    sane = sane && patch_side <= kLargestPatchSide;
  }
  if (!sane || !words.eof() || strides.empty()) {
    return corrupt(file, "metadata '" + prefix + "strides' is no list of at most " +
                             std::to_string(kMostBlocks) + " strides from 1 to " +
                             std::to_string(kLargestStride) + ", in all at most " +
                             std::to_string(kLargestPatchSide));
  }
  return strides;
}

Result<InvertedResidual> load_block(const Safetensors& file, const std::string& name, int64_t in_channels,
                                    int64_t stride) {
  std::optional<Conv2d> expand;
  int64_t width = in_channels;
  if (file.contains(name + ".expand.weight")) {
    Result<Conv2d> loaded = load_convolution(file, name + ".expand", in_channels, {.relu6 = true});
    if (!loaded.ok()) return loaded.status();
    expand = std::move(loaded).value();
    width = expand->options().out_channels;
  }
  Result<Conv2d> depthwise =
      load_convolution(file, name + ".depthwise", width,
                       {.kind = ConvolutionKind::kDepthwise, .stride = stride, .relu6 = true});
  if (!depthwise.ok()) return depthwise.status();
  const Result<std::vector<int64_t>> projected = file.shape(name + ".project.weight");
  const bool residual = projected.ok() && !projected.value().empty() && projected.value()[0] == in_channels;
  Result<Conv2d> project =
      load_convolution(file, name + ".project", width, {.accumulate = residual && stride == 1});
  if (!project.ok()) return project.status();
  return InvertedResidual{std::move(expand), std::move(depthwise).value(), std::move(project).value()};
}

}  // namespace

int64_t EfficientNetLite::patch_side() const {
  int64_t side = stem.options().stride;
  for (const InvertedResidual& block : blocks) side *= block.depthwise.options().stride;
  return side;
}

Result<EfficientNetLite> load_efficientnet_lite(const Safetensors& file, const std::string& prefix) {
  const Result<std::string> architecture = file.metadata_value(prefix + "architecture");
  if (!architecture.ok()) return architecture.status();
  if (architecture.value() != "efficientnet-lite") {
    return Status(StatusCode::kUnsupported,
                  file.name() + ": metadata '" + prefix +
                      "architecture' names another encoder than 'efficientnet-lite'");
  }
  const Result<std::vector<int64_t>> strides = read_strides(file, prefix);
  if (!strides.ok()) return strides.status();

  Result<Conv2d> stem = load_convolution(file, prefix + "stem", 3, {.stride = kStemStride, .relu6 = true});
  if (!stem.ok()) return stem.status();
  int64_t channels = stem.value().options().out_channels;
  std::vector<InvertedResidual> blocks;
  for (const int64_t stride : strides.value()) {
    Result<InvertedResidual> block =
        load_block(file, prefix + "blocks." + std::to_string(blocks.size()), channels, stride);
    if (!block.ok()) return block.status();
    channels = block.value().project.options().out_channels;
    blocks.push_back(std::move(block).value());
  }
  const std::string beyond = prefix + "blocks." + std::to_string(blocks.size()) + ".depthwise.weight";
  if (file.contains(beyond)) {
    return corrupt(file, "metadata '" + prefix + "strides' counts " + std::to_string(blocks.size()) +
                             " blocks, but there is a tensor '" + beyond + "'");
  }
  Result<Conv2d> head = load_convolution(file, prefix + "head", channels, {.relu6 = true});
  if (!head.ok()) return head.status();
  return EfficientNetLite{std::move(stem).value(), std::move(blocks), std::move(head).value()};
}

}  // namespace attend
