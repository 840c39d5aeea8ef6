// What a captioner has to be able to do, whatever its kind: a model file of this project's, or a published
// checkpoint.
#ifndef ATTEND_CAPTIONER_MODEL_KIND_H_
#define ATTEND_CAPTIONER_MODEL_KIND_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "attend/status.h"
#include "checkpoint/safetensors.h"
#include "vision/photo.h"

namespace attend {

/// The functions of Captioner, which says what they mean.
class ModelKind {
 public:
  virtual ~ModelKind() = default;

  virtual Status check(const CaptionOptions& options) const = 0;
  virtual Result<std::vector<Caption>> caption(std::span<const Photo> photos,
                                               const CaptionOptions& options) const = 0;
  virtual Result<std::vector<Caption>> caption_features(std::span<const float> features, int64_t photos,
                                                        const CaptionOptions& options) const = 0;
  virtual int grid() const = 0;
  virtual int64_t features() const = 0;
  virtual int longest_side() const = 0;
  virtual int64_t vocabulary() const = 0;
  virtual int64_t parameters() const = 0;
  virtual const std::map<std::string, std::string>& notes() const = 0;
};

/// A model file's. Errors: load_model()'s.
Result<std::unique_ptr<ModelKind>> make_own_model(const Safetensors& file, Executor& executor);

/// A published checkpoint's. Errors: PublishedModel's.
Result<std::unique_ptr<ModelKind>> make_published_model(const std::string& folder, WeightPrecision precision,
                                                        Executor& executor);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_MODEL_KIND_H_
