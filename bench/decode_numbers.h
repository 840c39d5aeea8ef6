// What decoding is measured on, ours and others': tokens to fill KV caches with, and queries.
#ifndef ATTEND_BENCH_DECODE_NUMBERS_H_
#define ATTEND_BENCH_DECODE_NUMBERS_H_

#include <algorithm>
#include <cstdint>

#include "numbers.h"

namespace attend::bench {

/// How many caches of `bytes` each are kept. They are read in turn, as a model's layers are: together they
/// are so much, half a gigabyte, that nothing is in a cache of the processor when its turn comes. Tiny ones
/// are not kept more often than a model has layers.
constexpr int64_t layers_of(int64_t bytes) {
  constexpr int64_t kMemory = int64_t{512} << 20, kMostLayers = 64;
  return std::clamp<int64_t>(kMemory / std::max<int64_t>(1, bytes), 1, kMostLayers);
}

/// float32. The tokens fill the caches over and over, the same in each sequence: a whole number of times,
/// they have the attention of a single one.
struct DecodeNumbers {
  Numbers query;  // [B, Hq, 1, D]
  Numbers key;    // [1, Hkv, tokens, D]
  Numbers value;  // [1, Hkv, tokens, Dv]

  /// From the tensors of these names. Errors: those of Numbers::read.
  static Result<DecodeNumbers> read(const Safetensors& file);
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_DECODE_NUMBERS_H_
