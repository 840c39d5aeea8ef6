#include "nn/conv2d.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "nn/onednn.h"

namespace attend {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

Status invalid(const std::string& what) {
  return {StatusCode::kInvalidArgument, "conv2d: " + what};
}

int64_t groups(const Conv2dOptions& options) {
  return options.kind == ConvolutionKind::kDepthwise ? options.in_channels : 1;
}

/// oneDNN names axes [batch, channels, height, width] whatever their order in memory, which the tag gives.
memory::desc image_desc(const ImageShape& shape) {
  return {{shape.batch, shape.channels, shape.height, shape.width}, memory::data_type::f32, Tag::nhwc};
}

/// The weights' axes; a depthwise convolution is one of as many groups as channels.
memory::desc weights_desc(const Conv2dOptions& options, bool plain) {
  const int64_t kernel = options.kernel;
  if (options.kind == ConvolutionKind::kDepthwise) {
    return {
        {options.out_channels, 1, 1, kernel, kernel}, memory::data_type::f32, plain ? Tag::goihw : Tag::any};
  }
  return {{options.out_channels, options.in_channels, kernel, kernel},
          memory::data_type::f32,
          plain ? Tag::oihw : Tag::any};
}

dnnl::convolution_forward::primitive_desc describe(const Conv2dOptions& options, const ImageShape& input,
                                                   const ImageShape& output, const Padding2d& padding) {
  dnnl::post_ops post_ops;
  if (options.accumulate) post_ops.append_sum(1.0f);
  if (options.relu6) onednn::append_clip(post_ops, 0.0f, 6.0f);
  const onednn::Window window = {{options.kernel, options.kernel},
                                 {options.stride, options.stride},
                                 {padding.top, padding.left},
                                 {padding.bottom, padding.right}};
  const memory::desc bias({options.out_channels}, memory::data_type::f32, Tag::x);
  return onednn::convolution(image_desc(input), weights_desc(options, false), bias, image_desc(output),
                             window, onednn::attributes(post_ops));
}

/// The same numbers in the order of `wanted`.
memory reordered(const memory& weights, const memory::desc& wanted) {
  memory result(wanted, onednn::cpu());
  dnnl::stream stream(onednn::cpu());
  memory source = weights;
  dnnl::reorder(source, result).execute(stream, source, result);
  stream.wait();
  return result;
}

memory copied(const memory::desc& desc, std::span<const float> values) {
  memory result(desc, onednn::cpu());
  std::copy(values.begin(), values.end(), static_cast<float*>(result.get_data_handle()));
  return result;
}

Status check(const Conv2dOptions& options, size_t weights, size_t bias) {
  constexpr int64_t kLargestChannels = 1 << 16, kLargestKernel = 64;
  if (options.in_channels < 1 || options.out_channels < 1 || options.in_channels > kLargestChannels ||
      options.out_channels > kLargestChannels) {
    return invalid(std::to_string(options.in_channels) + " input and " +
                   std::to_string(options.out_channels) + " output channels, each must be between 1 and " +
                   std::to_string(kLargestChannels));
  }
  if (options.kernel < 1 || options.stride < 1 || options.kernel > kLargestKernel) {
    return invalid("kernel " + std::to_string(options.kernel) + " and stride " +
                   std::to_string(options.stride) + " must be at least 1, the kernel at most " +
                   std::to_string(kLargestKernel));
  }
  if (options.kind == ConvolutionKind::kDepthwise && options.in_channels != options.out_channels) {
    return invalid("a depthwise convolution of " + std::to_string(options.in_channels) +
                   " channels cannot have " + std::to_string(options.out_channels) + " output channels");
  }
  const int64_t expected =
      options.out_channels * (options.in_channels / groups(options)) * options.kernel * options.kernel;
  if (weights != static_cast<size_t>(expected)) {
    return invalid(std::to_string(weights) + " weights where " + std::to_string(expected) + " are due");
  }
  if (bias != static_cast<size_t>(options.out_channels)) {
    return invalid(std::to_string(bias) + " biases for " + std::to_string(options.out_channels) +
                   " output channels");
  }
  return {};
}

}  // namespace

struct Conv2d::Weights {
  Conv2dOptions options;
  memory weights, bias;
};

struct Conv2dPlan::Primitive {
  std::shared_ptr<const void> owner;  // of the weights
  ImageShape output_shape;
  dnnl::convolution_forward convolution;
  memory source, destination, scratch;
  std::unordered_map<int, memory> arguments;
  dnnl::stream stream;
};

Result<Conv2d> Conv2d::create(const Conv2dOptions& options, std::span<const float> weights,
                              std::span<const float> bias) {
  ATTEND_RETURN_IF_ERROR(check(options, weights.size(), bias.size()));
  return onednn::guarded("conv2d", [&]() -> Result<Conv2d> {
    // The order of the weights is chosen for a middling image; it is the same for others on the machines we
    // know, and plan() makes a copy where it is not.
    const ImageShape input = {1, 8 * options.kernel, 8 * options.kernel, options.in_channels};
    const ImageShape output = {1, (7 * options.kernel) / options.stride + 1,
                               (7 * options.kernel) / options.stride + 1, options.out_channels};
    const memory::desc wanted = describe(options, input, output, {}).weights_desc();
    const memory plain = copied(weights_desc(options, true), weights);
    const memory::desc bias_desc({options.out_channels}, memory::data_type::f32, Tag::x);
    return Conv2d(std::make_shared<Weights>(Weights{
        options, plain.get_desc() == wanted ? plain : reordered(plain, wanted), copied(bias_desc, bias)}));
  });
}

const Conv2dOptions& Conv2d::options() const {
  return weights_->options;
}

Result<Conv2dPlan> Conv2d::plan(const ImageShape& input, const Padding2d& padding) const {
  const Conv2dOptions& options = weights_->options;
  if (input.channels != options.in_channels) {
    return invalid("an input of " + std::to_string(input.channels) + " channels for weights of " +
                   std::to_string(options.in_channels));
  }
  if (input.batch < 1 || input.height < 1 || input.width < 1) return invalid("an empty input");
  if (std::min({padding.top, padding.left, padding.bottom, padding.right}) < 0)
    return invalid("negative padding");
  const int64_t height = input.height + padding.top + padding.bottom - options.kernel;
  const int64_t width = input.width + padding.left + padding.right - options.kernel;
  if (height < 0 || width < 0) {
    return invalid("an input of " + std::to_string(input.height) + " x " + std::to_string(input.width) +
                   " pixels, padding aside, is smaller than a kernel of " + std::to_string(options.kernel));
  }
  const ImageShape output = {input.batch, height / options.stride + 1, width / options.stride + 1,
                             options.out_channels};
  return onednn::guarded("conv2d", [&]() -> Result<Conv2dPlan> {
    const auto desc = describe(options, input, output, padding);
    const bool as_held = desc.weights_desc() == weights_->weights.get_desc();
    auto primitive = std::make_unique<Conv2dPlan::Primitive>();
    primitive->owner = weights_;
    primitive->output_shape = output;
    primitive->convolution = dnnl::convolution_forward(desc);
    primitive->source = memory(desc.src_desc(), onednn::cpu(), nullptr);
    primitive->destination = memory(desc.dst_desc(), onednn::cpu(), nullptr);
    primitive->scratch = memory(desc.scratchpad_desc(), onednn::cpu());
    primitive->arguments = {
        {DNNL_ARG_SRC, primitive->source},
        {DNNL_ARG_WEIGHTS, as_held ? weights_->weights : reordered(weights_->weights, desc.weights_desc())},
        {DNNL_ARG_BIAS, weights_->bias},
        {DNNL_ARG_DST, primitive->destination},
        {DNNL_ARG_SCRATCHPAD, primitive->scratch}};
    primitive->stream = dnnl::stream(onednn::cpu());
    return Conv2dPlan(std::move(primitive));
  });
}

Conv2dPlan::Conv2dPlan(std::unique_ptr<Primitive> primitive) : primitive_(std::move(primitive)) {}
Conv2dPlan::Conv2dPlan(Conv2dPlan&&) noexcept = default;
Conv2dPlan& Conv2dPlan::operator=(Conv2dPlan&&) noexcept = default;
Conv2dPlan::~Conv2dPlan() = default;

const ImageShape& Conv2dPlan::output() const {
  return primitive_->output_shape;
}

Status Conv2dPlan::run(const float* input, float* destination) {
  return onednn::guarded("conv2d", [&]() -> Status {
    primitive_->source.set_data_handle(const_cast<float*>(input));  // oneDNN does not write to a source
    primitive_->destination.set_data_handle(destination);
    primitive_->convolution.execute(primitive_->stream, primitive_->arguments);
    primitive_->stream.wait();
    return {};
  });
}

}  // namespace attend
