// Speed of decoding one token from a KV cache, in bytes of keys and values a second, and as a share of the
// read bandwidth that this run measures beside each number.
//
//   attend_decode_bench [--json] [--threads N] [--isa NAME] [--page TOKENS] [--only TYPE] [--most-keys N]
//   attend_decode_bench --requests
//
// Every case is run with as many query heads as key/value heads and with four times as many, alternating with
// the bandwidth loop; each number is the best of several. With --requests the program answers those of
// decode_requests.h instead, one a line.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "decode_requests.h"
#include "decode_work.h"
#include "json_requests.h"
#include "read_bandwidth.h"

namespace attend::bench {
namespace {

constexpr int64_t kKvHeads = 8, kWidth = 128, kGroup = 4, kTokens = 512;
constexpr int64_t kMostMemory = int64_t{3} << 30;
constexpr const char* kTypes[] = {"float32", "bfloat16", "float16", "int8"};

struct Arguments {
  bool json = false, requests = false;
  int threads = 0;
  std::optional<Isa> isa;
  int64_t page = 0;
  std::string only;
  int64_t most_keys = 65536;
};

struct Row {
  std::string type;
  int64_t B, keys;
  double bandwidth, single, grouped;  // bytes a second
};

DecodeWork work_of(const std::string& type, int64_t B, int64_t keys, const Arguments& arguments,
                   Executor& executor) {
  DecodeNumbers numbers{Numbers::normal({B, kKvHeads * kGroup, 1, kWidth}, 1),
                        Numbers::normal({1, kKvHeads, kTokens, kWidth}, 2),
                        Numbers::normal({1, kKvHeads, kTokens, kWidth}, 3)};
  Result<DecodeWork> work = DecodeWork::create(
      std::move(numbers),
      {.stored = *dtype_from_name(type), .keys = keys, .page = arguments.page, .isa = arguments.isa},
      executor);
  require(work.status());
  return std::move(work).value();
}

Row measure(const std::string& type, int64_t B, int64_t keys, const Arguments& arguments, Executor& executor,
            std::span<const std::byte> memory) {
  constexpr int kRounds = 5;
  DecodeWork work = work_of(type, B, keys, arguments, executor);
  const auto rate = [&](int64_t group) {
    const double start = seconds_now(executor);
    require(work.step(kKvHeads * group, executor));
    return static_cast<double>(work.bytes() * work.layers()) / (seconds_now(executor) - start);
  };
  Row row = {type, B, keys, 0, 0, 0};
  for (int round = 0; round < kRounds; ++round) {
    row.bandwidth = std::max(row.bandwidth, read_bandwidth(memory, executor));
    row.single = std::max(row.single, rate(1));
    row.grouped = std::max(row.grouped, rate(kGroup));
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
    if (word == "--json" || word == "--requests") {
      (word == "--json" ? a.json : a.requests) = true;
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

void measure_all(const Arguments& arguments, Executor& executor) {
  const AlignedBytes memory = bandwidth_memory();
  nlohmann::json rows = nlohmann::json::array();
  if (!arguments.json) {
    std::printf("%d threads, %ld key/value heads of width %ld; GB/s of keys and values\n", executor.workers(),
                static_cast<long>(kKvHeads), static_cast<long>(kWidth));
    std::printf("%-9s %2s %6s %10s %18s %18s\n", "stored", "B", "keys", "read", "8 heads", "32 over 8");
  }
  for (const std::string type : kTypes) {
    if (!arguments.only.empty() && arguments.only != type) continue;
    for (const int64_t B : {1, 8}) {
      for (const int64_t keys : {4096, 16384, 65536}) {
        const auto number = static_cast<int64_t>(size_of(*dtype_from_name(type)));
        if (keys > arguments.most_keys || 2 * B * keys * kKvHeads * kWidth * number > kMostMemory) continue;
        const Row row = measure(type, B, keys, arguments, executor, {memory.get(), kBandwidthMemory});
        rows.push_back(json_of(row));
        if (!arguments.json) print(row);
      }
    }
  }
  if (!arguments.json) return;
  const nlohmann::json result = {{"threads", executor.workers()},
                                 {"isa", name(arguments.isa ? *arguments.isa : isas().front())},
                                 {"page", arguments.page},
                                 {"rows", rows}};
  std::printf("%s\n", result.dump().c_str());
}

int run(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: attend_decode_bench [--json] [--threads N] [--isa NAME] [--page TOKENS] "
                 "[--only TYPE] [--most-keys N], or attend_decode_bench --requests\n");
    return 1;
  }
  const std::unique_ptr<Executor> executor = make_openmp_executor(arguments->threads);
  if (arguments->requests) {
    DecodeRequests requests(*executor);
    return answer_requests([&](const nlohmann::json& request) { return requests.answer(request); });
  }
  measure_all(*arguments, *executor);
  return 0;
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::run(argc, argv);
}
