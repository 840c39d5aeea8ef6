#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "attend/kv_cache.h"
#include "base/random.h"
#include "decode/paged_rows.h"
#include "fuzz/fuzz.h"

namespace attend {
namespace {

/// What a sequence holds, token by token: all heads' keys, then all heads' values.
using Tokens = std::vector<std::vector<float>>;

class Model {
 public:
  explicit Model(Choices& choices)
      : cache_(make(choices)), sequences_(static_cast<size_t>(options().sequences)) {}

  void append(Choices& choices) {
    const KvCacheOptions& o = options();
    std::vector<int32_t> batch(sequences_.size());
    std::iota(batch.begin(), batch.end(), 0);
    if (choices.flip()) std::reverse(batch.begin(), batch.end());
    batch.resize(static_cast<size_t>(choices.between(1, o.sequences)));
    const int64_t B = static_cast<int64_t>(batch.size()), T = choices.between(0, 5);
    const std::vector<float> keys = numbers(B * o.kv_heads * T * o.key_width),
                             values = numbers(B * o.kv_heads * T * o.value_width);
    std::vector<int64_t> counts;
    for (int64_t b = 0; b < B; ++b) counts.push_back(choices.between(0, T));
    const Status status = cache_.append({{keys.data(), Shape{B, o.kv_heads, T, o.key_width}},
                                         {values.data(), Shape{B, o.kv_heads, T, o.value_width}},
                                         counts},
                                        serial_executor(), batch);
    bool fits = true;
    for (size_t b = 0; b < batch.size(); ++b) fits = fits && length(batch[b]) + counts[b] <= o.capacity;
    if (!fits) {
      EXPECT_FALSE(status.ok()) << "beyond the capacity";
    } else if (pages_suffice_always()) {
      EXPECT_TRUE(status.ok()) << status.message();
    }
    if (!status.ok()) return;
    for (size_t b = 0; b < batch.size(); ++b) {
      for (int64_t t = 0; t < counts[b]; ++t) {
        std::vector<float> token;
        add_rows(keys, static_cast<int64_t>(b), t, T, o.key_width, token);
        add_rows(values, static_cast<int64_t>(b), t, T, o.value_width, token);
        sequences_[static_cast<size_t>(batch[b])].push_back(token);
      }
    }
  }

  void truncate(Choices& choices) {
    const int64_t s = choices.between(0, options().sequences - 1), length = choices.between(-1, 8);
    const bool right = length >= 0 && length <= this->length(s);
    EXPECT_EQ(cache_.truncate(s, length).ok(), right);
    if (right) sequences_[static_cast<size_t>(s)].resize(static_cast<size_t>(length));
  }

  void share(Choices& choices) {
    const int64_t from = choices.between(0, options().sequences - 1),
                  to = choices.between(0, options().sequences - 1), length = choices.between(0, 8);
    if (!cache_.share(from, to, length).ok()) {
      EXPECT_GT(length, this->length(from));
      return;
    }
    EXPECT_LE(length, this->length(from));
    Tokens prefix = sequences_[static_cast<size_t>(from)];
    prefix.resize(static_cast<size_t>(length));
    sequences_[static_cast<size_t>(to)] = std::move(prefix);
  }

  void reset() {
    cache_.reset();
    for (Tokens& tokens : sequences_) tokens.clear();
  }

  void expect_equal() const {
    const KvView view = cache_.view();
    for (int64_t s = 0; s < options().sequences; ++s) {
      ASSERT_EQ(cache_.length(s), length(s)) << "sequence " << s;
      for (int64_t t = 0; t < length(s); ++t) {
        std::vector<float> token;
        read(view.key, view, s, t, token);
        read(view.value, view, s, t, token);
        ASSERT_EQ(token, sequences_[static_cast<size_t>(s)][static_cast<size_t>(t)])
            << "sequence " << s << " token " << t;
      }
    }
  }

 private:
  static KvCache make(Choices& choices) {
    KvCacheOptions options = {.sequences = choices.between(1, 3),
                              .capacity = choices.between(1, 12),
                              .kv_heads = choices.between(1, 2),
                              .key_width = choices.between(1, 5),
                              .value_width = choices.between(1, 5),
                              .page_size = choices.between(0, 4)};
    if (options.page_size > 0 && choices.flip()) options.pages = choices.between(1, 9);
    Result<KvCache> cache = KvCache::create(options);
    EXPECT_TRUE(cache.ok()) << cache.status().message();
    return std::move(cache).value();
  }

  const KvCacheOptions& options() const { return cache_.options(); }
  int64_t length(int64_t s) const { return static_cast<int64_t>(sequences_[static_cast<size_t>(s)].size()); }
  /// Sharing needs no more pages than sequences of their own.
  bool pages_suffice_always() const {
    const KvCacheOptions& o = options();
    return o.pages >= (o.capacity + o.page_size - 1) / o.page_size * o.sequences;
  }

  /// No two numbers of a run are alike.
  std::vector<float> numbers(int64_t count) {
    std::vector<float> some(static_cast<size_t>(count));
    for (float& x : some) x = next_++;
    return some;
  }

  void add_rows(const std::vector<float>& rows, int64_t b, int64_t t, int64_t T, int64_t width,
                std::vector<float>& token) const {
    for (int64_t h = 0; h < options().kv_heads; ++h) {
      const auto first = rows.begin() + ((b * options().kv_heads + h) * T + t) * width;
      token.insert(token.end(), first, first + width);
    }
  }

  void read(const TensorView& rows, const KvView& view, int64_t s, int64_t t,
            std::vector<float>& token) const {
    for (int64_t h = 0; h < options().kv_heads; ++h) {
      const auto* row = reinterpret_cast<const float*>(PagedRows(rows, view, s, h).row(t));
      token.insert(token.end(), row, row + rows.shape[3]);
    }
  }

  KvCache cache_;
  std::vector<Tokens> sequences_;
  float next_ = 1;
};

}  // namespace

void fuzz_cache(Choices& choices) {
  Model model(choices);
  for (int64_t steps = choices.between(1, 16); steps > 0; --steps) {
    switch (choices.between(0, 7)) {
      case 0:
        model.truncate(choices);
        break;
      case 1:
      case 2:
        model.share(choices);
        break;
      case 3:
        if (choices.once_in(4)) model.reset();
        break;
      default:
        model.append(choices);
    }
    model.expect_equal();
  }
}

}  // namespace attend
