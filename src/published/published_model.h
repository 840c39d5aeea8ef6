// A captioner that somebody else has trained and published: a checkpoint in a folder, as transformers writes
// it.
//
//   config.json                            what it is: model_type "blip", "vision-encoder-decoder" or "git"
//   model.safetensors, or shards of it     weights in float32, float16 or bfloat16
//   preprocessor_config.json, ...          what is done to photographs
//   tokenizer.json, vocab.txt, ...         its words
//   generation_config.json                 how its makers look for captions
//
// The tokens are those that transformers gives. A file is hostile until proven otherwise.
#ifndef ATTEND_PUBLISHED_PUBLISHED_MODEL_H_
#define ATTEND_PUBLISHED_PUBLISHED_MODEL_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "attend/status.h"
#include "nn/weight_matrix.h"
#include "vision/photo.h"

namespace attend {

/// Immutable, and safe to use from several threads.
class PublishedModel {
 public:
  /// `rounded`: weights that are stored wider are rounded to this as they are read. Borrows the executor.
  /// Errors: kNotFound, kIo; kCorrupt and kUnsupported naming the file, and the field or tensor at fault;
  /// kOutOfMemory.
  static Result<PublishedModel> load(const std::string& folder, std::optional<WeightType> rounded,
                                     Executor& executor);

  PublishedModel(PublishedModel&&) noexcept;
  PublishedModel& operator=(PublishedModel&&) noexcept;
  ~PublishedModel();

  /// Whether the options can be followed. Errors: kInvalidArgument naming the option, kUnsupported for
  /// settings of the checkpoint that leave the choice to the caller.
  Status check(const CaptionOptions& options) const;

  /// Errors: those of check(), kOutOfMemory.
  Result<Caption> caption(const Photo& photo, const CaptionOptions& options) const;

  int grid() const;
  int64_t features() const;
  int64_t vocabulary() const;
  int64_t parameters() const;
  const std::map<std::string, std::string>& notes() const;

 private:
  struct State;
  explicit PublishedModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace attend

#endif  // ATTEND_PUBLISHED_PUBLISHED_MODEL_H_
