// One decoding problem with random numbers: a cache in memory full of NaN but for the tokens, and its answers
// by attention_decode() and by float64 loops over the cache's own numbers.
#ifndef ATTEND_TESTS_DECODE_CACHE_CASE_H_
#define ATTEND_TESTS_DECODE_CACHE_CASE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "attend/decode.h"

namespace attend {

/// The types that a cache stores.
inline constexpr DType kStored[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kInt8};

/// What distinguishes one case from another.
struct CacheSpec {
  int64_t Hq = 1, Hkv = 1, Tq = 1, D = 8, Dv = 8;
  std::vector<int64_t> lengths = {1};  // one a sequence
  int64_t page_size = 0;               // 0: contiguous
  DType stored = DType::kFloat32;
  DType query = DType::kFloat32;
  float magnitude = 1;  // of the queries
  uint64_t seed = 1;
};
std::ostream& operator<<(std::ostream& out, const CacheSpec& spec);

struct DecodeAnswer {
  std::vector<double> output, lse;
  bool operator==(const DecodeAnswer&) const = default;
};

class CacheCase {
 public:
  explicit CacheCase(const CacheSpec& spec);
  CacheCase(const CacheCase&) = delete;

  /// Borrows this object.
  KvView cache() const;
  MutableKvView mutable_cache();
  TensorView query() const;
  int64_t B() const { return static_cast<int64_t>(sequences.empty() ? lengths.size() : sequences.size()); }

  /// By attention_decode(); fails the test on an error or a write outside the outputs.
  DecodeAnswer decode(const DecodeOptions& options,
                      const AttentionResources& resources = serial_executor()) const;
  /// Bytes of scratch that decode() needs with one worker.
  size_t scratch_bytes(const DecodeOptions& options) const;
  /// Straight from the formulas of decode.h in float64.
  DecodeAnswer exact(const DecodeOptions& options) const;

  /// The stored key or value of token j, widened.
  std::vector<double> key(int64_t sequence, int64_t head, int64_t j) const;
  std::vector<double> value(int64_t sequence, int64_t head, int64_t j) const;
  void set_key(int64_t sequence, int64_t head, int64_t j, float x);
  void set_value(int64_t sequence, int64_t head, int64_t j, float x);

  CacheSpec spec;
  std::vector<int64_t> lengths;
  std::vector<int32_t> table;      // shuffled pages
  std::vector<int32_t> sequences;  // empty: all, in order

 private:
  std::vector<double> stored(const TensorView& rows, const TensorView& scales, int64_t sequence, int64_t head,
                             int64_t j) const;

  int64_t pages_ = 0, pages_per_sequence_ = 1, page_size_ = 0;
  std::vector<std::byte> key_, value_, key_scale_, value_scale_, query_;
};

}  // namespace attend

#endif  // ATTEND_TESTS_DECODE_CACHE_CASE_H_
