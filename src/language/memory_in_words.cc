#include "language/memory_in_words.h"

#include <algorithm>
#include <cassert>

#include "nn/row_kernels.h"

namespace attend {
namespace {

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

/// The memories' keys and values, and the words said about them so far.
class MemoryInWords final : public NextWord {
 public:
  MemoryInWords(const MemoryInput& input, const MemoryInWordsOptions& options,
                const TextDecoder<float>& decoder, Executor& executor)
      : decoder_(decoder),
        executor_(executor),
        keep_attention_(options.keep_attention),
        limits_(options.limits.begin(), options.limits.end()),
        prompts_(static_cast<int64_t>(input.offsets.size()) - 1),
        longest_(decoder.shape().max_length - 1) {
    if (!limits_.empty()) longest_ = std::min(longest_, *std::ranges::max_element(limits_));
    const std::span<int64_t> offsets = memory_arena_.array<int64_t>(prompts_ + 1);
    std::ranges::copy(input.offsets, offsets.begin());
    for (size_t p = 0; p + 1 < offsets.size(); ++p)
      columns_ = std::max(columns_, offsets[p + 1] - offsets[p]);
    Pass keep(memory_arena_, executor);
    memory_ = decoder.remember(input.keys, input.values, offsets, keep);
  }

  int64_t prompts() const override { return prompts_; }
  int64_t vocabulary() const override { return decoder_.shape().vocabulary; }
  int64_t most_words() const override { return longest_; }
  int64_t most_words_about(int64_t prompt) const override {
    return limits_.empty() ? longest_ : std::min(longest_, limits_[static_cast<size_t>(prompt)]);
  }

  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                        std::span<const int64_t> offsets) override {
    assert(static_cast<int64_t>(offsets.size()) == prompts_ + 1);
    const int64_t rows = static_cast<int64_t>(words.size());
    follow(parents, rows);
    step_arena_.reset();
    Pass pass(step_arena_, executor_);
    attention_ = keep_attention_ ? step_arena_.matrix<float>(rows, columns_) : Matrix<float>();
    const Matrix<float> scores = decoder_.step(words, offsets, memory_, caches_, pass, attention_);
    executor_.for_each(rows,
                       [&](int64_t row, int) { kernels::log_softmax(scores.row(row).data(), scores.cols); });
    return scores;
  }

  ConstMatrix<float> attention() const override { return attention_; }

 private:
  /// Makes cached sequence r the continuation of what row parents[r] was.
  void follow(std::span<const int32_t> parents, int64_t rows) {
    if (caches_.empty()) {
      const TextDecoderShape& shape = decoder_.shape();
      for (int i = 0; i < shape.layers; ++i) caches_.emplace_back(rows, longest_ + 1, shape.block.width);
      room_ = rows;
      return;
    }
    if (rows > room_) {
      for (KeyValueCache<float>& cache : caches_) cache = grown(cache, rows);
      room_ = rows;
    }
    executor_.for_each(static_cast<int64_t>(caches_.size()),
                       [&](int64_t layer, int) { caches_[static_cast<size_t>(layer)].reorder(parents); });
  }

  const TextDecoder<float>& decoder_;
  Executor& executor_;
  const bool keep_attention_;
  const std::vector<int64_t> limits_;
  const int64_t prompts_;
  int64_t longest_;      // words of a sentence
  int64_t columns_ = 0;  // the most memory rows of a prompt
  Arena memory_arena_, step_arena_;
  TextDecoder<float>::Memory memory_;
  std::vector<KeyValueCache<float>> caches_;
  int64_t room_ = 0;  // sequences that the caches have memory for
  Matrix<float> attention_;
};

}  // namespace

std::unique_ptr<NextWord> speak_about(const MemoryInput& input, const MemoryInWordsOptions& options,
                                      const TextDecoder<float>& decoder, Executor& executor) {
  return std::make_unique<MemoryInWords>(input, options, decoder, executor);
}

}  // namespace attend
