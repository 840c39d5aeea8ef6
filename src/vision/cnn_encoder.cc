#include "vision/cnn_encoder.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "vision/efficientnet_lite.h"

namespace attend {
namespace {

constexpr size_t kPlansKept = 2;

/// Pixels of one call may not pass this; activations take some 100 bytes a pixel.
constexpr int64_t kMostPixels = int64_t{1} << 26;

struct BlockPlan {
  std::optional<Conv2dPlan> expand;
  Conv2dPlan depthwise, project;
  bool in_place;  // the projection adds to the block's input
};

/// The network compiled for one input shape, and the four buffers that all its layers share: the pixels or
/// features between blocks (`trunk`, and `next` for blocks that change its shape) and the two stages inside a
/// block.
struct Plan {
  ImageShape input;
  Conv2dPlan stem;
  std::vector<BlockPlan> blocks;
  Conv2dPlan head;
  AlignedBytes memory;
  float *trunk, *next, *expanded, *filtered;
};

Result<Conv2dPlan> plan_same(const Conv2d& convolution, const ImageShape& input) {
  return convolution.plan(input,
                          same_padding(input, convolution.options().kernel, convolution.options().stride));
}

Result<BlockPlan> plan_block(const InvertedResidual& block, ImageShape shape) {
  std::optional<Conv2dPlan> expand;
  if (block.expand) {
    Result<Conv2dPlan> planned = plan_same(*block.expand, shape);
    if (!planned.ok()) return planned.status();
    shape = planned.value().output();
    expand = std::move(planned).value();
  }
  Result<Conv2dPlan> depthwise = plan_same(block.depthwise, shape);
  if (!depthwise.ok()) return depthwise.status();
  Result<Conv2dPlan> project = plan_same(block.project, depthwise.value().output());
  if (!project.ok()) return project.status();
  return BlockPlan{std::move(expand), std::move(depthwise).value(), std::move(project).value(),
                   block.project.options().accumulate};
}

/// Cuts one allocation into the four buffers, each as large as its largest tenant.
void allocate(Plan& plan) {
  int64_t trunk = std::max(plan.input.size(), plan.stem.output().size()), expanded = 0, filtered = 0;
  for (const BlockPlan& block : plan.blocks) {
    if (block.expand) expanded = std::max(expanded, block.expand->output().size());
    filtered = std::max(filtered, block.depthwise.output().size());
    trunk = std::max(trunk, block.project.output().size());
  }
  const auto padded = [](int64_t floats) {
    return static_cast<size_t>((floats + 15) / 16 * 16);
  };  // 64 bytes
  plan.memory = allocate_aligned((2 * padded(trunk) + padded(expanded) + padded(filtered)) * sizeof(float));
  plan.trunk = reinterpret_cast<float*>(plan.memory.get());
  plan.next = plan.trunk + padded(trunk);
  plan.expanded = plan.next + padded(trunk);
  plan.filtered = plan.expanded + padded(expanded);
}

Result<Plan> make_plan(const EfficientNetLite& network, const ImageShape& input) {
  Result<Conv2dPlan> stem = plan_same(network.stem, input);
  if (!stem.ok()) return stem.status();
  ImageShape shape = stem.value().output();
  std::vector<BlockPlan> blocks;
  for (const InvertedResidual& block : network.blocks) {
    Result<BlockPlan> planned = plan_block(block, shape);
    if (!planned.ok()) return planned.status();
    shape = planned.value().project.output();
    blocks.push_back(std::move(planned).value());
  }
  Result<Conv2dPlan> head = plan_same(network.head, shape);
  if (!head.ok()) return head.status();
  Plan plan{input, std::move(stem).value(), std::move(blocks), std::move(head).value(), {}, {}, {}, {}, {}};
  allocate(plan);
  return plan;
}

void normalise(const Photo& photo, float* pixels) {
  for (size_t i = 0; i < photo.rgb.size(); ++i) {
    pixels[i] = (static_cast<float>(photo.rgb[i]) - 127.0f) * (1.0f / 128.0f);
  }
}

Status run_block(Plan& plan, BlockPlan& block) {
  const float* wide = plan.trunk;
  if (block.expand) {
    ATTEND_RETURN_IF_ERROR(block.expand->run(plan.trunk, plan.expanded));
    wide = plan.expanded;
  }
  ATTEND_RETURN_IF_ERROR(block.depthwise.run(wide, plan.filtered));
  if (block.in_place) return block.project.run(plan.filtered, plan.trunk);
  std::swap(plan.trunk, plan.next);
  return block.project.run(plan.filtered, plan.trunk);
}

Status run(Plan& plan, std::span<const Photo> photos, Matrix<float> patches) {
  float* pixels = plan.next;
  for (const Photo& photo : photos) {
    normalise(photo, pixels);
    pixels += photo.rgb.size();
  }
  ATTEND_RETURN_IF_ERROR(plan.stem.run(plan.next, plan.trunk));
  for (BlockPlan& block : plan.blocks) ATTEND_RETURN_IF_ERROR(run_block(plan, block));
  return plan.head.run(plan.trunk, patches.data);
}

Status invalid(const std::string& what) {
  return {StatusCode::kInvalidArgument, "encode: " + what};
}

}  // namespace

struct CnnEncoder::Network {
  explicit Network(EfficientNetLite l) : layers(std::move(l)) {}

  EfficientNetLite layers;
  std::mutex mutex;       // guards the plans
  std::list<Plan> plans;  // the one used last comes first

  Status check(std::span<const Photo> photos, const Matrix<float>& patches) const;
  Result<Plan*> plan_for(const ImageShape& input);
};

Status CnnEncoder::Network::check(std::span<const Photo> photos, const Matrix<float>& patches) const {
  const int64_t side = layers.patch_side();
  const int64_t width = photos[0].width, height = photos[0].height;
  const auto size = [](int64_t w, int64_t h) { return std::to_string(w) + " x " + std::to_string(h); };
  if (width < side || height < side || width % side != 0 || height % side != 0) {
    return invalid("a photo of " + size(width, height) + " pixels, whose sides must be multiples of " +
                   std::to_string(side));
  }
  const int64_t count = static_cast<int64_t>(photos.size());
  if (width * height > kMostPixels / count) {
    return invalid(std::to_string(count) + " photos of " + size(width, height) +
                   " pixels, in all more than " + std::to_string(kMostPixels));
  }
  for (const Photo& photo : photos) {
    if (photo.width != width || photo.height != height) {
      return invalid("photos of " + size(width, height) + " and " + size(photo.width, photo.height) +
                     " pixels in one call");
    }
    if (photo.rgb.size() != static_cast<size_t>(3 * width * height)) {
      return invalid("a photo of " + size(width, height) + " pixels with " +
                     std::to_string(photo.rgb.size()) + " bytes where " + std::to_string(3 * width * height) +
                     " are due");
    }
  }
  const int64_t rows = count * (width / side) * (height / side), columns = layers.head.options().out_channels;
  if (patches.rows != rows || patches.cols != columns || !patches.present()) {
    return invalid("patches of " + size(patches.rows, patches.cols) + " where " + size(rows, columns) +
                   " are due");
  }
  return {};
}

Result<Plan*> CnnEncoder::Network::plan_for(const ImageShape& input) {
  const auto found =
      std::find_if(plans.begin(), plans.end(), [&](const Plan& plan) { return plan.input == input; });
  if (found != plans.end()) {
    plans.splice(plans.begin(), plans, found);
    return &plans.front();
  }
  if (plans.size() == kPlansKept) plans.pop_back();
  Result<Plan> plan = make_plan(layers, input);
  if (!plan.ok()) return plan.status();
  plans.push_front(std::move(plan).value());
  return &plans.front();
}

Result<CnnEncoder> CnnEncoder::load(const Safetensors& file, const std::string& prefix) {
  try {
    Result<EfficientNetLite> layers = load_efficientnet_lite(file, prefix);
    if (!layers.ok()) return layers.status();
    return CnnEncoder(std::make_unique<Network>(std::move(layers).value()));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, file.name() + ": the encoder is too large for memory");
  }
}

CnnEncoder::CnnEncoder(std::unique_ptr<Network> network) : network_(std::move(network)) {}
CnnEncoder::CnnEncoder(CnnEncoder&&) noexcept = default;
CnnEncoder& CnnEncoder::operator=(CnnEncoder&&) noexcept = default;
CnnEncoder::~CnnEncoder() = default;

int64_t CnnEncoder::channels() const {
  return network_->layers.head.options().out_channels;
}
int64_t CnnEncoder::patch_side() const {
  return network_->layers.patch_side();
}

Status CnnEncoder::encode(const Photo& photo, Matrix<float> patches) {
  return encode({&photo, 1}, patches);
}

Status CnnEncoder::encode(std::span<const Photo> photos, Matrix<float> patches) {
  if (photos.empty()) return invalid("no photos");
  ATTEND_RETURN_IF_ERROR(network_->check(photos, patches));
  try {
    const std::lock_guard lock(network_->mutex);
    const Result<Plan*> plan =
        network_->plan_for({static_cast<int64_t>(photos.size()), photos[0].height, photos[0].width, 3});
    if (!plan.ok()) return plan.status();
    return run(*plan.value(), photos, patches);
  } catch (const std::bad_alloc&) {
    return {StatusCode::kOutOfMemory,
            "encode: no memory for the activations of " + std::to_string(photos.size()) + " photos of " +
                std::to_string(photos[0].width) + " x " + std::to_string(photos[0].height) + " pixels"};
  }
}

}  // namespace attend
