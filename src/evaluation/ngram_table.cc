#include "evaluation/ngram_table.h"

namespace attend {

uint32_t NgramTable::intern(const Ngram& ngram) {
  if (2 * (ngrams_.size() + 1) > slots_.size()) grow();
  uint32_t& slot = slots_[slot_of(ngram)];
  if (slot == kAbsent) {
    slot = static_cast<uint32_t>(ngrams_.size());
    ngrams_.push_back(ngram);
  }
  return slot;
}

uint32_t NgramTable::find(const Ngram& ngram) const {
  return slots_.empty() ? kAbsent : slots_[slot_of(ngram)];
}

// Linear probing: the slot that holds the n-gram, or the free one where it belongs.
size_t NgramTable::slot_of(const Ngram& ngram) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = ngram.hash() & mask;
  while (slots_[slot] != kAbsent && ngrams_[slots_[slot]] != ngram) slot = (slot + 1) & mask;
  return slot;
}

void NgramTable::grow() {
  slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), kAbsent);
  for (size_t i = 0; i < ngrams_.size(); ++i) slots_[slot_of(ngrams_[i])] = static_cast<uint32_t>(i);
}

}  // namespace attend
