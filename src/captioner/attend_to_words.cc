// From a photo's keys and values to the odds of the next word, and to where each step looked.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "captioner/caption_model.h"

namespace attend {
namespace {

/// logits -> natural log-probabilities, in place. Shifted by the maximum, so that exp never overflows.
void log_softmax(std::span<float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - most);
  const float normaliser = most + static_cast<float>(std::log(sum));
  for (float& x : logits) x -= normaliser;
}

/// A cache with the rows of `cache` and room for `sequences`.
KeyValueCache<float> grown(const KeyValueCache<float>& cache, int64_t sequences) {
  KeyValueCache<float> larger(sequences, cache.capacity(), cache.width());
  const int64_t kept = std::min(cache.sequences(), sequences);
  for (int64_t position = 0; position < cache.length(); ++position) {
    for (int64_t s = 0; s < kept; ++s) {
      const int64_t row = (s * cache.capacity() + position) * cache.width();
      std::copy_n(cache.keys() + row, cache.width(), larger.next_key(s).data());
      std::copy_n(cache.values() + row, cache.width(), larger.next_value(s).data());
    }
    larger.advance();
  }
  return larger;
}

/// The photos' keys and values, and the words said about them so far.
class PhotosInWords final : public NextWord {
 public:
  PhotosInWords(const CaptionModel<float>& model, ConstMatrix<float> features, Executor& executor)
      : model_(model), executor_(executor) {
    Arena passing;
    Pass encode(passing, executor);
    const auto photo = model.patches.forward(features, encode, nullptr);
    photos_ = features.rows / model.patches.patches();
    const std::span<int64_t> offsets = memory_arena_.array<int64_t>(photos_ + 1);
    std::copy(photo.offsets.begin(), photo.offsets.end(), offsets.begin());
    Pass keep(memory_arena_, executor);
    memory_ = model.text.remember(photo.key_input, photo.value_input, offsets, keep);
  }

  int64_t prompts() const override { return photos_; }
  int64_t vocabulary() const override { return model_.shape().text.vocabulary; }
  int64_t most_words() const override { return model_.shape().text.max_length - 1; }

  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                        std::span<const int64_t> offsets) override {
    assert(static_cast<int64_t>(offsets.size()) == photos_ + 1);
    const int64_t rows = static_cast<int64_t>(words.size());
    follow(parents, rows);
    step_arena_.reset();
    Pass pass(step_arena_, executor_);
    attention_ = step_arena_.matrix<float>(rows, model_.patches.patches());
    const Matrix<float> scores = model_.text.step(words, offsets, memory_, caches_, pass, attention_);
    executor_.for_each(rows, [&](int64_t row, int) { log_softmax(scores.row(row)); });
    return scores;
  }

  ConstMatrix<float> attention() const override { return attention_; }

 private:
  /// Makes cached sequence r the continuation of what row parents[r] was.
  void follow(std::span<const int32_t> parents, int64_t rows) {
    if (caches_.empty()) {
      const TextDecoderShape& text = model_.shape().text;
      for (int i = 0; i < text.layers; ++i) caches_.emplace_back(rows, text.max_length, text.block.width);
      room_ = rows;
      return;
    }
    if (rows > room_) {
      for (KeyValueCache<float>& cache : caches_) cache = grown(cache, rows);
      room_ = rows;
    }
    for (KeyValueCache<float>& cache : caches_) cache.reorder(parents);
  }

  const CaptionModel<float>& model_;
  Executor& executor_;
  Arena memory_arena_, step_arena_;
  int64_t photos_ = 0;
  TextDecoder<float>::Memory memory_;
  std::vector<KeyValueCache<float>> caches_;
  int64_t room_ = 0;  // sequences that the caches have memory for
  Matrix<float> attention_;
};

}  // namespace

std::unique_ptr<NextWord> look_at(const CaptionModel<float>& model, ConstMatrix<float> features,
                                  Executor& executor) {
  return std::make_unique<PhotosInWords>(model, features, executor);
}

}  // namespace attend
