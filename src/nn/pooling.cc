#include "nn/pooling.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "nn/onednn.h"

namespace attend {
namespace {

using dnnl::memory;

Status invalid(const std::string& what) {
  return {StatusCode::kInvalidArgument, "pooling: " + what};
}

memory::desc image_desc(const ImageShape& shape) {
  return {{shape.batch, shape.channels, shape.height, shape.width},
          memory::data_type::f32,
          memory::format_tag::nhwc};
}

/// Windows that fit along one axis, or the reason why none does.
Result<int64_t> window_count(int64_t extent, int64_t low, int64_t high, int64_t window, int64_t stride) {
  if (window < 1 || stride < 1) {
    return invalid("window " + std::to_string(window) + " and stride " + std::to_string(stride) +
                   " must be at least 1");
  }
  if (extent < 1 || low < 0 || high < 0 || std::max(low, high) >= window || extent + low + high < window) {
    return invalid("a window of " + std::to_string(window) + " does not fit " + std::to_string(extent) +
                   " pixels padded by " + std::to_string(low) + " and " + std::to_string(high));
  }
  return (extent + low + high - window) / stride + 1;
}

}  // namespace

struct Pool2dPlan::Primitive {
  ImageShape output_shape;
  dnnl::pooling_forward pooling;
  memory source, destination, scratch;
  std::unordered_map<int, memory> arguments;
  dnnl::stream stream;
};

Result<Pool2dPlan> Pool2dPlan::create(const Pool2dOptions& options, const ImageShape& input,
                                      const Padding2d& padding) {
  const Result<int64_t> height =
      window_count(input.height, padding.top, padding.bottom, options.window_height, options.stride);
  if (!height.ok()) return height.status();
  const Result<int64_t> width =
      window_count(input.width, padding.left, padding.right, options.window_width, options.stride);
  if (!width.ok()) return width.status();
  if (input.batch < 1 || input.channels < 1) return invalid("an empty input");
  return onednn::guarded("pooling", [&]() -> Result<Pool2dPlan> {
    auto primitive = std::make_unique<Primitive>();
    primitive->output_shape = {input.batch, height.value(), width.value(), input.channels};
    const auto algorithm = options.kind == PoolingKind::kMax ? dnnl::algorithm::pooling_max
                                                             : dnnl::algorithm::pooling_avg_exclude_padding;
    const auto desc = onednn::pooling(algorithm, image_desc(input), image_desc(primitive->output_shape),
                                      {{options.window_height, options.window_width},
                                       {options.stride, options.stride},
                                       {padding.top, padding.left},
                                       {padding.bottom, padding.right}},
                                      onednn::attributes({}));
    primitive->pooling = dnnl::pooling_forward(desc);
    primitive->source = memory(desc.src_desc(), onednn::cpu(), nullptr);
    primitive->destination = memory(desc.dst_desc(), onednn::cpu(), nullptr);
    primitive->scratch = memory(desc.scratchpad_desc(), onednn::cpu());
    primitive->arguments = {{DNNL_ARG_SRC, primitive->source},
                            {DNNL_ARG_DST, primitive->destination},
                            {DNNL_ARG_SCRATCHPAD, primitive->scratch}};
    primitive->stream = dnnl::stream(onednn::cpu());
    return Pool2dPlan(std::move(primitive));
  });
}

Pool2dPlan::Pool2dPlan(std::unique_ptr<Primitive> primitive) : primitive_(std::move(primitive)) {}
Pool2dPlan::Pool2dPlan(Pool2dPlan&&) noexcept = default;
Pool2dPlan& Pool2dPlan::operator=(Pool2dPlan&&) noexcept = default;
Pool2dPlan::~Pool2dPlan() = default;

const ImageShape& Pool2dPlan::output() const {
  return primitive_->output_shape;
}

Status Pool2dPlan::run(const float* input, float* destination) {
  return onednn::guarded("pooling", [&]() -> Status {
    primitive_->source.set_data_handle(const_cast<float*>(input));  // oneDNN does not write to a source
    primitive_->destination.set_data_handle(destination);
    primitive_->pooling.execute(primitive_->stream, primitive_->arguments);
    primitive_->stream.wait();
    return {};
  });
}

}  // namespace attend
