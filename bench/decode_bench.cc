// Speed of decoding one token from a KV cache, in bytes of keys and values a second, and as a share of the
// read bandwidth that this run measures beside each number.
//
//   attend_decode_bench [--json] [--threads N] [--isa NAME] [--page TOKENS] [--only TYPE] [--most-keys N]
//
// A cache of each case is kept as often as 512 MB hold it and the copies are read in turn, as a model's
// layers are: nothing is in a cache of the processor when its turn comes. Every case is run with as many
// query heads as key/value heads and with four times as many, alternating with the bandwidth loop; each
// number is the best of several.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attend/decode.h"
#include "base/arena.h"
#include "base/random.h"
#include "read_bandwidth.h"

namespace attend::bench {
namespace {

constexpr int64_t kKvHeads = 8, kWidth = 128, kGroup = 4;
constexpr int64_t kMemory = int64_t{512} << 20, kMostMemory = int64_t{3} << 30;

struct StoredType {
  const char* name;
  DType dtype;
};
constexpr StoredType kTypes[] = {{"float32", DType::kFloat32},
                                 {"bfloat16", DType::kBFloat16},
                                 {"float16", DType::kFloat16},
                                 {"int8", DType::kInt8}};

struct Arguments {
  bool json = false;
  int threads = 0;
  std::optional<Isa> isa;
  int64_t page = 0;
  std::string only;
  int64_t most_keys = 65536;
};

void check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

std::vector<float> normal(int64_t count, uint64_t seed) {
  std::vector<float> x(static_cast<size_t>(count));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(RandomKey(seed).normal(i));
  return x;
}

/// A cache full of tokens: a few hundred random ones, over and over.
KvCache filled_cache(const StoredType& type, int64_t B, int64_t keys, int64_t page, Executor& executor) {
  constexpr int64_t kTokens = 512;
  Result<KvCache> made = KvCache::create({.sequences = B,
                                          .capacity = keys,
                                          .kv_heads = kKvHeads,
                                          .key_width = kWidth,
                                          .value_width = kWidth,
                                          .dtype = type.dtype,
                                          .page_size = page});
  check(made.status());
  KvCache cache = std::move(made).value();
  const std::vector<float> numbers = normal(kKvHeads * kTokens * kWidth, 1);
  const Shape shape = {B, kKvHeads, kTokens, kWidth}, shared = {0, kTokens * kWidth, kWidth, 1};
  for (int64_t t = 0; t < keys; t += kTokens) {
    const TensorView tokens(numbers.data(), shape, shared);
    const std::vector<int64_t> counts(static_cast<size_t>(B), std::min(kTokens, keys - t));
    check(cache.append({tokens, tokens, counts}, executor));
  }
  return cache;
}

/// Caches of one case, and the queries and memory to read them with.
class Layers {
 public:
  Layers(const StoredType& type, int64_t B, int64_t keys, const Arguments& arguments, Executor& executor)
      : B_(B), isa_(arguments.isa), executor_(executor) {
    const int64_t scales = type.dtype == DType::kInt8 ? int64_t{sizeof(float)} : 0;
    bytes_ = 2 * B * kKvHeads * keys * (kWidth * static_cast<int64_t>(size_of(type.dtype)) + scales);
    const int64_t count = std::max<int64_t>(1, kMemory / bytes_);
    for (int64_t i = 0; i < count; ++i)
      caches_.push_back(filled_cache(type, B, keys, arguments.page, executor));
    query_ = normal(B * kKvHeads * kGroup * kWidth, 2);
    output_.resize(query_.size());
    const size_t scratch =
        attention_decode_scratch_bytes(tensors(caches_[0], kGroup), options(), executor.workers());
    scratch_ = {allocate_aligned(scratch), scratch};
  }

  /// Bytes a second over all layers.
  double rate(int64_t group) {
    const double start = seconds_now(executor_);
    for (const KvCache& cache : caches_) {
      check(attention_decode(tensors(cache, group), options(),
                             {executor_, {scratch_.memory.get(), scratch_.size}}));
    }
    const double elapsed = seconds_now(executor_) - start;
    return static_cast<double>(bytes_) * static_cast<double>(caches_.size()) / elapsed;
  }

  std::string explain() { return explain_decode(tensors(caches_[0], kGroup), options()); }

 private:
  struct Scratch {
    AlignedBytes memory;
    size_t size = 0;
  };

  DecodeTensors tensors(const KvCache& cache, int64_t group) {
    const Shape shape = {B_, kKvHeads * group, 1, kWidth};
    return {{query_.data(), shape}, cache.view(), {output_.data(), shape}, {}};
  }
  DecodeOptions options() const {
    DecodeOptions options;
    options.isa = isa_;
    return options;
  }

  int64_t B_, bytes_;
  std::optional<Isa> isa_;
  Executor& executor_;
  std::vector<KvCache> caches_;
  std::vector<float> query_, output_;
  Scratch scratch_;
};

struct Row {
  std::string type;
  int64_t B, keys;
  double bandwidth, single, grouped;  // bytes a second
};

Row measure(const StoredType& type, int64_t B, int64_t keys, const Arguments& arguments, Executor& executor,
            std::span<const std::byte> memory) {
  constexpr int kRounds = 5;
  Layers layers(type, B, keys, arguments, executor);
  Row row = {type.name, B, keys, 0, 0, 0};
  for (int round = 0; round < kRounds; ++round) {
    row.bandwidth = std::max(row.bandwidth, read_bandwidth(memory, executor));
    row.single = std::max(row.single, layers.rate(1));
    row.grouped = std::max(row.grouped, layers.rate(kGroup));
  }
  return row;
}

void print(const Row& r) {
  std::printf("%-9s %2ld %6ld %10.1f %10.1f %5.0f %% %10.1f %5.0f %%\n", r.type.c_str(),
              static_cast<long>(r.B), static_cast<long>(r.keys), 1e-9 * r.bandwidth, 1e-9 * r.single,
              100 * r.single / r.bandwidth, 1e-9 * r.grouped, 100 * r.grouped / r.bandwidth);
  std::fflush(stdout);
}

nlohmann::json json_of(const Row& r) {
  return {{"type", r.type},           {"B", r.B},           {"keys", r.keys},
          {"bandwidth", r.bandwidth}, {"single", r.single}, {"grouped", r.grouped}};
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      a.json = true;
      continue;
    }
    if (++i == argc) return std::nullopt;
    if (word == "--threads") {
      a.threads = std::atoi(argv[i]);
    } else if (word == "--isa") {
      a.isa = isa_from_name(argv[i]);
      if (!a.isa) return std::nullopt;
    } else if (word == "--page") {
      a.page = std::atoll(argv[i]);
    } else if (word == "--only") {
      a.only = argv[i];
    } else if (word == "--most-keys") {
      a.most_keys = std::atoll(argv[i]);
    } else {
      return std::nullopt;
    }
  }
  return a;
}

int run(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(
        stderr,
        "usage: attend_decode_bench [--json] [--threads N] [--isa NAME] [--page TOKENS] [--only TYPE] "
        "[--most-keys N]\n");
    return 1;
  }
  const std::unique_ptr<Executor> executor = make_openmp_executor(arguments->threads);
  const AlignedBytes memory = allocate_aligned(kMemory);
  std::memset(memory.get(), 1, kMemory);
  nlohmann::json rows = nlohmann::json::array();
  if (!arguments->json) {
    std::printf("%d threads, %ld key/value heads of width %ld; GB/s of keys and values\n",
                executor->workers(), static_cast<long>(kKvHeads), static_cast<long>(kWidth));
    std::printf("%-9s %2s %6s %10s %18s %18s\n", "stored", "B", "keys", "read", "8 heads", "32 over 8");
  }
  for (const StoredType& type : kTypes) {
    if (!arguments->only.empty() && arguments->only != type.name) continue;
    for (const int64_t B : {1, 8}) {
      for (const int64_t keys : {4096, 16384, 65536}) {
        const int64_t bytes = 2 * B * keys * kKvHeads * kWidth * static_cast<int64_t>(size_of(type.dtype));
        if (keys > arguments->most_keys || bytes > kMostMemory) continue;
        const Row row = measure(type, B, keys, *arguments, *executor, {memory.get(), kMemory});
        rows.push_back(json_of(row));
        if (!arguments->json) print(row);
      }
    }
  }
  if (arguments->json) {
    const nlohmann::json result = {{"threads", executor->workers()},
                                   {"isa", name(arguments->isa ? *arguments->isa : isas().front())},
                                   {"page", arguments->page},
                                   {"rows", rows}};
    std::printf("%s\n", result.dump().c_str());
  }
  return 0;
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::run(argc, argv);
}
