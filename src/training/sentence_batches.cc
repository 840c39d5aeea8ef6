#include "training/sentence_batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "training/shuffle.h"

namespace attend {
namespace {

enum Stream : uint64_t { kPairs, kBatches };

}  // namespace

SentenceBatches::SentenceBatches(std::span<const SentencePair> pairs, int64_t pieces_per_batch, uint64_t seed)
    : pairs_(pairs), key_(seed), cuts_(1, 0) {
  shuffle(0);
  int64_t pieces = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(order_.size()); ++i) {
    const int64_t more = length(order_[static_cast<size_t>(i)]);
    if (i > cuts_.back() && pieces + more > pieces_per_batch) {
      cuts_.push_back(i);
      pieces = 0;
    }
    pieces += more;
  }
  if (!pairs.empty()) cuts_.push_back(static_cast<int64_t>(pairs.size()));
  shuffled_epoch_ = -1;
}

int64_t SentenceBatches::length(int64_t pair) const {
  return static_cast<int64_t>(pairs_[static_cast<size_t>(pair)].target.size()) + 1;
}

void SentenceBatches::shuffle(int64_t epoch) {
  const RandomKey key = key_.child(static_cast<uint64_t>(epoch));
  order_.resize(pairs_.size());
  std::iota(order_.begin(), order_.end(), int64_t{0});
  attend::shuffle(std::span(order_), key.child(kPairs));
  std::ranges::stable_sort(order_, {}, [this](int64_t pair) { return length(pair); });
  batch_order_.resize(cuts_.size() - 1);
  std::iota(batch_order_.begin(), batch_order_.end(), int64_t{0});
  attend::shuffle(std::span(batch_order_), key.child(kBatches));
  shuffled_epoch_ = epoch;
}

std::vector<int64_t> SentenceBatches::pick(int64_t epoch, int64_t batch) {
  if (epoch != shuffled_epoch_) shuffle(epoch);
  const auto cut = cuts_.begin() + batch_order_[static_cast<size_t>(batch)];
  std::vector<int64_t> picked(order_.begin() + cut[0], order_.begin() + cut[1]);
  std::ranges::stable_sort(picked, {}, [this](int64_t pair) {
    return std::pair(length(pair), pairs_[static_cast<size_t>(pair)].source.size());
  });
  return picked;
}

void PackedPairs::clear() {
  for (std::vector<int32_t>* rows : {&source_, &words_, &next_words_}) rows->clear();
  for (std::vector<int64_t>* offsets : {&sources_, &targets_}) offsets->assign(1, 0);
}

void PackedPairs::add(const SentencePair& pair) {
  source_.insert(source_.end(), pair.source.begin(), pair.source.end());
  source_.push_back(special_.end);
  sources_.push_back(static_cast<int64_t>(source_.size()));
  words_.push_back(special_.start);
  words_.insert(words_.end(), pair.target.begin(), pair.target.end());
  next_words_.insert(next_words_.end(), pair.target.begin(), pair.target.end());
  next_words_.push_back(special_.end);
  targets_.push_back(rows());
}

}  // namespace attend
