// A captioner from a published checkpoint.
#include <optional>
#include <utility>

#include "captioner/model_kind.h"
#include "published/published_model.h"

namespace attend {
namespace {

/// The makers of these models resized photographs from the pixels they had: only what would not fit memory is
/// shrunk before.
constexpr int kLongestPublishedSide = 8192;

std::optional<WeightType> rounded_to(WeightPrecision precision) {
  switch (precision) {
    case WeightPrecision::kAsStored:
      return std::nullopt;
    case WeightPrecision::kBFloat16:
      return WeightType::kBFloat16;
    case WeightPrecision::kInt8:
      return WeightType::kInt8;
  }
  return std::nullopt;
}

class PublishedKind final : public ModelKind {
 public:
  explicit PublishedKind(PublishedModel model) : model_(std::move(model)) {}

  Status check(const CaptionOptions& options) const override { return model_.check(options); }

  /// One after the other: a photo's tokens do not depend on the others.
  Result<std::vector<Caption>> caption(std::span<const Photo> photos,
                                       const CaptionOptions& options) const override {
    std::vector<Caption> captions;
    for (const Photo& photo : photos) {
      Result<Caption> caption = model_.caption(photo, options);
      if (!caption.ok()) return caption.status();
      captions.push_back(std::move(caption).value());
    }
    return captions;
  }

  Result<std::vector<Caption>> caption_features(std::span<const float>, int64_t,
                                                const CaptionOptions&) const override {
    return Status(StatusCode::kUnsupported, "a published model captions photographs, not features");
  }

  int grid() const override { return model_.grid(); }
  int64_t features() const override { return model_.features(); }
  int longest_side() const override { return kLongestPublishedSide; }
  int64_t vocabulary() const override { return model_.vocabulary(); }
  int64_t parameters() const override { return model_.parameters(); }
  const std::map<std::string, std::string>& notes() const override { return model_.notes(); }

 private:
  PublishedModel model_;
};

}  // namespace

Result<std::unique_ptr<ModelKind>> make_published_model(const std::string& folder, WeightPrecision precision,
                                                        Executor& executor) {
  Result<PublishedModel> model = PublishedModel::load(folder, rounded_to(precision), executor);
  if (!model.ok()) return model.status();
  return std::unique_ptr<ModelKind>(std::make_unique<PublishedKind>(std::move(model).value()));
}

}  // namespace attend
