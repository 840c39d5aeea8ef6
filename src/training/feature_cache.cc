#include "training/feature_cache.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/half.h"
#include "base/mapped_file.h"
#include "training/content_hash.h"
#include "training/views.h"
#include "vision/cnn_encoder.h"

namespace attend {
namespace {

constexpr int64_t kPhotosAtOnce = 8;
constexpr int64_t kPhotosASave = 512;

uint64_t key_of(const FeatureRequest& request, const Safetensors& encoder) {
  ContentHash hash;
  for (const auto& [name, tensor] : encoder.tensors()) {
    if (!name.starts_with("encoder.")) continue;
    hash.add(name);
    hash.add(tensor.bytes);
  }
  for (const auto& [name, value] : encoder.metadata()) {
    if (!name.starts_with("encoder.")) continue;
    hash.add(name);
    hash.add(value);
  }
  hash.add(static_cast<uint64_t>(request.squares.squash_side));
  hash.add(static_cast<uint64_t>(request.squares.input_side));
  if (request.crop > 0) hash.add(static_cast<uint64_t>(request.crop));
  hash.add(request.photos.fingerprint);
  return hash.value();
}

Result<uint64_t> fingerprint_of(const std::string& photo) {
  const Result<MappedFile> file = MappedFile::open(photo);
  if (!file.ok()) return file.status();
  ContentHash hash;
  hash.add(std::filesystem::path(photo).filename().string());
  hash.add(file.value().bytes());
  return hash.value();
}

/// Decodes some photos, each followed by its mirror image, in parallel. The first error in the order of
/// photos is returned.
Result<std::vector<Photo>> load_photos(const FeatureRequest& request, int64_t first, int64_t count,
                                       Executor& executor) {
  std::vector<Photo> photos(static_cast<size_t>(2 * count));
  std::vector<Status> statuses(static_cast<size_t>(count));
  executor.for_each(count, [&](int64_t i, int) {
    Result<Photo> photo = load_photo(request.photos.paths[static_cast<size_t>(first + i)]);
    statuses[static_cast<size_t>(i)] = photo.status();
    if (!photo.ok()) return;
    for (const bool mirrored : {false, true}) {
      const Photo part = cut(photo.value(), window_of(first + i, request.crop, mirrored));
      const Photo square = to_square(part, request.squares);
      photos[static_cast<size_t>(2 * i + mirrored)] = mirrored ? mirror(square) : square;
    }
  });
  for (const Status& status : statuses) ATTEND_RETURN_IF_ERROR(status);
  return photos;
}

Status compute(const FeatureRequest& request, CnnEncoder& encoder, const FeatureFileShape& shape,
               FeatureFileWriter& writer, Executor& executor, const FeatureProgress& progress) {
  std::vector<float> features(static_cast<size_t>(2 * kPhotosAtOnce * shape.patches * shape.width));
  std::vector<uint16_t> halves(features.size());
  int64_t saved = writer.done();
  while (writer.done() < shape.photos) {
    const int64_t count = std::min(kPhotosAtOnce, shape.photos - writer.done());
    Result<std::vector<Photo>> photos = load_photos(request, writer.done(), count, executor);
    if (!photos.ok()) return photos.status();
    const Matrix<float> patches(features.data(), 2 * count * shape.patches, shape.width);
    ATTEND_RETURN_IF_ERROR(encoder.encode(photos.value(), patches));
    const std::span<uint16_t> narrow(halves.data(), static_cast<size_t>(patches.size()));
    floats_to_halves(patches.values(), narrow);
    ATTEND_RETURN_IF_ERROR(writer.append(narrow));
    if (writer.done() - saved >= kPhotosASave) {
      ATTEND_RETURN_IF_ERROR(writer.save());
      saved = writer.done();
    }
    progress(writer.done(), shape.photos);
  }
  return writer.finish();
}

}  // namespace

Result<PhotoFiles> read_photo_files(std::vector<std::string> paths, Executor& executor) {
  std::vector<Result<uint64_t>> fingerprints(paths.size(), Result<uint64_t>(0));
  executor.for_each(std::ssize(paths), [&](int64_t i, int) {
    fingerprints[static_cast<size_t>(i)] = fingerprint_of(paths[static_cast<size_t>(i)]);
  });
  ContentHash hash;
  for (const Result<uint64_t>& fingerprint : fingerprints) {
    if (!fingerprint.ok()) return fingerprint.status();
    hash.add(fingerprint.value());
  }
  return PhotoFiles{std::move(paths), hash.value()};
}

Result<FeatureFile> cached_features(const FeatureRequest& request, const Safetensors& encoder,
                                    Executor& executor, const FeatureProgress& progress) {
  std::error_code error;
  std::filesystem::create_directories(request.folder, error);
  if (error) return Status(StatusCode::kIo, request.folder + ": cannot make the folder: " + error.message());
  const uint64_t key = key_of(request, encoder);
  Result<CnnEncoder> network = CnnEncoder::load(encoder);
  if (!network.ok()) return network.status();
  const int64_t grid = request.squares.input_side / network.value().patch_side();
  const FeatureFileShape shape{key, static_cast<int64_t>(request.photos.paths.size()), grid * grid,
                               network.value().channels()};

  ContentHash name;
  name.add(key);
  const std::string path = request.folder + "/" + name.text() + ".features";
  Result<FeatureFile> cached = FeatureFile::open(path, shape);
  if (cached.ok() || cached.status().code() == StatusCode::kIo) return cached;
  Result<FeatureFileWriter> writer = FeatureFileWriter::open(path, shape);
  if (!writer.ok()) return writer.status();
  ATTEND_RETURN_IF_ERROR(compute(request, network.value(), shape, writer.value(), executor, progress));
  return FeatureFile::open(path, shape);
}

}  // namespace attend
