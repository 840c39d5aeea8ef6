// What a step of learning to translate learns from: pairs of sentences of like length, packed without
// padding.
#ifndef ATTEND_TRAINING_SENTENCE_BATCHES_H_
#define ATTEND_TRAINING_SENTENCE_BATCHES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "language/generation.h"
#include "training/sentence_pairs.h"
#include "translation/translation_model.h"

namespace attend {

/// Which pairs make up each batch, all a function of the seed and the epoch. Pairs are laid in the order of
/// their target's length, those of one length in a new order each epoch, and cut into batches of at most
/// `pieces_per_batch` target pieces, ends included (a longer sentence is a batch by itself); the batches come
/// in a new order each epoch. Where the cuts are follows from the lengths alone, so that every epoch has the
/// same number of batches.
class SentenceBatches {
 public:
  /// Borrows the pairs.
  SentenceBatches(std::span<const SentencePair> pairs, int64_t pieces_per_batch, uint64_t seed);

  int64_t batches() const { return static_cast<int64_t>(cuts_.size()) - 1; }
  /// Indices of pairs, neighbours alike in both lengths.
  std::vector<int64_t> pick(int64_t epoch, int64_t batch);

 private:
  int64_t length(int64_t pair) const;
  void shuffle(int64_t epoch);

  std::span<const SentencePair> pairs_;
  RandomKey key_;
  std::vector<int64_t> cuts_;  // of the pairs in the order of length
  int64_t shuffled_epoch_ = -1;
  std::vector<int64_t> order_, batch_order_;
};

/// Pairs side by side: what a TranslationBatch borrows. Reused from batch to batch.
class PackedPairs {
 public:
  explicit PackedPairs(const SpecialWords& special) : special_(special) { clear(); }

  void clear();
  void add(const SentencePair& pair);

  /// Of the target, ends included: what the loss sums over.
  int64_t rows() const { return static_cast<int64_t>(words_.size()); }
  int64_t pairs() const { return static_cast<int64_t>(targets_.size()) - 1; }
  TranslationBatch batch() const { return {source_, sources_, words_, next_words_, targets_}; }

 private:
  SpecialWords special_;
  std::vector<int32_t> source_, words_, next_words_;
  std::vector<int64_t> sources_, targets_;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_SENTENCE_BATCHES_H_
