// Batches that both sides of the training benchmark learn from, in one file.
#ifndef ATTEND_BENCH_TRAINING_BATCHES_H_
#define ATTEND_BENCH_TRAINING_BATCHES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attend/status.h"
#include "captioner/caption_model.h"
#include "checkpoint/safetensors.h"

namespace attend::bench {

/// One batch; borrows from the file's mapping.
struct TrainingBatch {
  int64_t photos = 0, patches = 0, width = 0;
  std::span<const uint16_t> features;  // [photos, patches, width] halves
  int64_t captions_a_photo = 0;
  std::span<const int32_t> lengths;  // [photos, captions_a_photo] words
  std::span<const int32_t> words;    // of all captions, one after the other, without start and end
};

/// The tensors features.N (F16), lengths.N and words.N (I32) for N = 0, 1, ... Errors: kCorrupt naming the
/// file and the tensor that is missing, has another type, or does not fit the others or the model.
Result<std::vector<TrainingBatch>> training_batches(const Safetensors& file, const CaptionModelShape& shape);

}  // namespace attend::bench

#endif  // ATTEND_BENCH_TRAINING_BATCHES_H_
