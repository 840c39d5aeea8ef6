#include "published/preparation_settings.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "published/config_file.h"

namespace attend {
namespace {

using Json = nlohmann::json;
using Size = PhotoPreparation::Size;

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int64_t kMostSide = 4096;
constexpr int64_t kBilinear = 2, kBicubic = 3;  // as Pillow numbers them

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

struct Source {
  Json settings = Json::object();
  std::string file, path;
};

Result<Source> find_source(const std::string& folder) {
  Source source;
  // A folder of transformers 5 may keep an old file beside the new one; both say the same.
  source.file = folder + "/processor_config.json";
  if (exists(source.file)) {
    Result<Json> parsed = read_json_file(source.file, kMostBytes);
    if (!parsed.ok()) return parsed.status();
    const auto part = parsed.value().find("image_processor");
    if (part != parsed.value().end() && part->is_object()) {
      source.settings = *part;
      source.path = "image_processor";
      return source;
    }
  }
  source.file = folder + "/preprocessor_config.json";
  if (exists(source.file)) {
    Result<Json> parsed = read_json_file(source.file, kMostBytes);
    if (!parsed.ok()) return parsed.status();
    source.settings = std::move(parsed).value();
  }
  return source;
}

std::array<double, 3> default_mean(ProcessorKind kind) {
  return kind == ProcessorKind::kVit ? std::array{0.5, 0.5, 0.5}
                                     : std::array{0.48145466, 0.4578275, 0.40821073};
}

std::array<double, 3> default_deviation(ProcessorKind kind) {
  return kind == ProcessorKind::kVit ? std::array{0.5, 0.5, 0.5}
                                     : std::array{0.26862954, 0.26130258, 0.27577711};
}

std::array<float, 3> floats(const std::vector<double>& numbers) {
  return {static_cast<float>(numbers[0]), static_cast<float>(numbers[1]), static_cast<float>(numbers[2])};
}

int side(const ConfigFields& fields, const char* key) {
  return static_cast<int>(fields.integer(key, 1, kMostSide));
}

/// {"height": h, "width": w}, or one number.
std::optional<Size> read_size(const ConfigFields& fields, const char* key) {
  const Json* field = fields.find(key);
  if (field == nullptr) return std::nullopt;
  if (field->is_number()) return Size{side(fields, key), side(fields, key)};
  const ConfigFields size = fields.object(key);
  return Size{side(size, "width"), side(size, "height")};
}

void read_resize(const ConfigFields& fields, ProcessorKind kind, PhotoPreparation& preparation) {
  const Json* size = fields.find("size");
  const bool keeps_proportions = kind == ProcessorKind::kClip;
  if (size == nullptr) {
    if (keeps_proportions)
      preparation.shortest_side = 224;
    else
      preparation.squash = kind == ProcessorKind::kBlip ? Size{384, 384} : Size{224, 224};
  } else if (size->is_number() && keeps_proportions) {
    preparation.shortest_side = side(fields, "size");
  } else if (size->is_object() && size->contains("shortest_edge")) {
    const ConfigFields sides = fields.object("size");
    if (sides.has("longest_edge"))
      sides.complain_of("longest_edge", "is not known here beside shortest_edge");
    preparation.shortest_side = side(sides, "shortest_edge");
  } else {
    preparation.squash = read_size(fields, "size");
  }
}

Status check_side(const PhotoPreparation& preparation, const Source& source, int64_t image_side) {
  const auto wrong = [&](const std::string& what) {
    return Status(StatusCode::kCorrupt, fmt::format("{}: {}", source.file, what));
  };
  const std::optional<Size> end = preparation.crop ? preparation.crop : preparation.squash;
  if (!end) return wrong("does not make photographs one size");
  if (end->width != image_side || end->height != image_side) {
    return wrong(fmt::format("makes {} x {} pixels where config.json has an image_size of {}", end->width,
                             end->height, image_side));
  }
  const Size least = preparation.squash.value_or(
      Size{preparation.shortest_side.value_or(1), preparation.shortest_side.value_or(1)});
  if (end->width <= least.width && end->height <= least.height) return {};
  return wrong(
      fmt::format("crops {} x {} pixels from {} x {}", end->width, end->height, least.width, least.height));
}

}  // namespace

Result<PhotoPreparation> read_preparation(const std::string& folder, ProcessorKind kind, int64_t image_side) {
  const Result<Source> found = find_source(folder);
  if (!found.ok()) return found.status();
  const Source& source = found.value();
  Status status;
  const ConfigFields fields(source.settings, source.file, source.path, status);
  PhotoPreparation preparation;
  if (fields.flag("do_resize", true)) read_resize(fields, kind, preparation);
  const int64_t filter = fields.integer("resample", 0, 5, kind == ProcessorKind::kVit ? kBilinear : kBicubic);
  if (fields.flag("do_center_crop", kind == ProcessorKind::kClip)) {
    preparation.crop = read_size(fields, "crop_size");
    if (!preparation.crop) preparation.crop = Size{224, 224};
  }
  if (fields.flag("use_square_size", false)) fields.complain_of("use_square_size", "is not known here");
  if (fields.flag("do_rescale", true))
    preparation.rescale = fields.number("rescale_factor", 1e-9, 1e9, 1 / 255.0);
  const std::array<double, 3> mean = default_mean(kind), deviation = default_deviation(kind);
  if (fields.flag("do_normalize", true)) {
    preparation.mean = floats(fields.numbers("image_mean", 3, mean));
    preparation.deviation = floats(fields.numbers("image_std", 3, deviation));
    for (const float x : *preparation.deviation) {
      if (!(x > 0)) fields.complain_of("image_std", "holds a number that is not above 0");
    }
  }
  if (!status.ok()) return status;
  if (filter != kBilinear && filter != kBicubic) {
    return Status(StatusCode::kUnsupported,
                  fmt::format("{}: resample is {}, which is neither bilinear (2) nor bicubic (3)",
                              source.file, filter));
  }
  preparation.filter = filter == kBilinear ? ResizeFilter::kBilinear : ResizeFilter::kBicubic;
  ATTEND_RETURN_IF_ERROR(check_side(preparation, source, image_side));
  return preparation;
}

}  // namespace attend
