// Patch features that the frozen encoder gives, computed once and kept on the disk.
#ifndef ATTEND_TRAINING_FEATURE_CACHE_H_
#define ATTEND_TRAINING_FEATURE_CACHE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "attend/status.h"
#include "captioner/photo_to_patches.h"
#include "checkpoint/safetensors.h"
#include "training/feature_file.h"

namespace attend {

/// Photos, and a fingerprint of their names and bytes.
struct PhotoFiles {
  std::vector<std::string> paths;
  uint64_t fingerprint = 0;
};

/// Reads the files whole, each once, a gigabyte in about a second: a cache is only as good as what is known
/// of the photos. Errors: those of MappedFile, of the first photo that has one.
Result<PhotoFiles> read_photo_files(std::vector<std::string> paths, Executor& executor);

struct FeatureRequest {
  PhotoFiles photos;
  PhotoSquares squares;
  int crop = 0;        // which window of each photo (see training/views.h); 0: all of it
  std::string folder;  // where caches lie; made when it does not exist
};

/// Called as the features of more photos are done: done, in all.
using FeatureProgress = std::function<void(int64_t, int64_t)>;

/// The features of a view of each photo and of its mirror image, from a cache that was made of the same
/// encoder, sizes and photos, or computed now. A computation that was killed goes on
/// where it was. Errors: those of load_photo(), CnnEncoder and FeatureFileWriter.
Result<FeatureFile> cached_features(const FeatureRequest& request, const Safetensors& encoder,
                                    Executor& executor, const FeatureProgress& progress);

}  // namespace attend

#endif  // ATTEND_TRAINING_FEATURE_CACHE_H_
