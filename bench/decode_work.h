// One problem of decoding: KV caches full of tokens, and a query to read them with.
#ifndef ATTEND_BENCH_DECODE_WORK_H_
#define ATTEND_BENCH_DECODE_WORK_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attend/decode.h"
#include "decode_numbers.h"

namespace attend::bench {

struct DecodeProblem {
  DType stored = DType::kFloat32;
  int64_t keys = 0;  // in the cache, of every sequence
  int64_t page = 0;  // tokens; 0: contiguous
  std::optional<Isa> isa = {};
};

class DecodeWork {
 public:
  /// Errors: those of the cache.
  static Result<DecodeWork> create(DecodeNumbers numbers, const DecodeProblem& problem, Executor& executor);

  /// One token through all layers, whose query heads are `heads`, the first of all.
  Status step(int64_t heads, Executor& executor);

  int64_t layers() const { return static_cast<int64_t>(caches_.size()); }
  int64_t bytes() const { return bytes_; }  // of keys and values of a layer, scales included
  std::string explain() const {
    return explain_decode(tensors(caches_[0], query_heads()), options()).value_or({});
  }

  /// "output" [B, Hq, 1, Dv] as it is now. Heads that the last step left out are as an earlier one left them.
  Status write(const std::string& path) const;

 private:
  DecodeWork(DecodeNumbers numbers, const DecodeProblem& problem)
      : problem_(problem), numbers_(std::move(numbers)) {}

  int64_t query_heads() const { return numbers_.query.shape()[1]; }
  Result<KvCache> filled_cache(Executor& executor) const;
  DecodeTensors tensors(const KvCache& cache, int64_t heads) const;
  DecodeOptions options() const;

  DecodeProblem problem_;
  DecodeNumbers numbers_;
  Numbers output_;
  int64_t bytes_ = 0;
  std::vector<KvCache> caches_;
  AlignedBytes scratch_;
  size_t scratch_bytes_ = 0;
};

}  // namespace attend::bench

#endif  // ATTEND_BENCH_DECODE_WORK_H_
