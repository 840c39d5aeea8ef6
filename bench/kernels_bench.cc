// Speed of attention on the shapes of the captioner and on long sequences, in GF/s and in percent of the
// multiply-add peak that this run measures.
//
//   attend_kernels_bench [--json] [isa] [threads]
//
// Operations are counted as 4 B Hq Tq Tk D forward (two products) and 10 backward (five), half of that under
// a causal mask. Times are the best of many calls.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "attend/attention.h"
#include "fma_peak.h"
#include "numbers.h"

namespace attend::bench {
namespace {

struct Shape5 {
  const char* what;
  int64_t B, H, Tq, Tk, D;
  Causal causal = Causal::kNone;
};

constexpr Shape5 kShapes[] = {
    {"encoder self", 1, 8, 81, 81, 32},
    {"encoder self", 1, 4, 81, 81, 64},
    {"cross, 12 words", 1, 8, 12, 81, 32},
    {"cross, 12 words", 1, 4, 12, 81, 64},
    {"cross, 60 words", 1, 8, 60, 81, 32},
    {"decoder self, 12", 1, 8, 12, 12, 32, Causal::kUpperLeft},
    {"decoder self, 30", 1, 4, 30, 30, 64, Causal::kUpperLeft},
    {"cross, 3 beams", 1, 8, 3, 81, 32},
    {"cross, 3 beams", 1, 4, 3, 81, 64},
    {"cross, 5 beams", 1, 8, 5, 81, 32},
    {"cross, 8 beams", 1, 8, 8, 81, 32},
    {"decode step 15", 1, 8, 1, 15, 32},
    {"ViT", 1, 12, 197, 197, 64},
    {"BLIP", 1, 12, 577, 577, 64},
    {"1,8,1024,64", 1, 8, 1024, 1024, 64},
    {"1,8,1024,64 causal", 1, 8, 1024, 1024, 64, Causal::kUpperLeft},
    {"1,2,2048,128 causal", 1, 2, 2048, 2048, 128, Causal::kUpperLeft},
};

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Seconds of a call: the fastest among batches of calls, each long enough for the clock. With one thread it
/// is the thread's own time that counts, which a busy machine disturbs less.
double best_seconds(int threads, const std::function<void()>& call) {
  const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  const auto time = [&](int calls) {
    const double start = seconds_of(clock);
    for (int n = 0; n < calls; ++n) call();
    return seconds_of(clock) - start;
  };
  int calls = 1;
  while (time(calls) < 2e-4) calls *= 2;
  double best = time(calls);
  const double end = seconds_of(clock) + 0.06;
  while (seconds_of(clock) < end) best = std::min(best, time(calls));
  return best / calls;
}

struct Row {
  Shape5 shape;
  double forward, backward;            // seconds
  double forward_rate, backward_rate;  // operations a second
};

Row measure(const Shape5& s, Isa isa, Executor& executor) {
  const Shape query_shape = {s.B, s.H, s.Tq, s.D}, key_shape = {s.B, s.H, s.Tk, s.D};
  const Numbers query = Numbers::normal(query_shape, 1), key = Numbers::normal(key_shape, 2),
                value = Numbers::normal(key_shape, 3), gradient = Numbers::normal(query_shape, 4);
  const Numbers output(query_shape), lse({s.B, s.H, s.Tq, 1}), query_gradient(query_shape),
      key_gradient(key_shape), value_gradient(key_shape);
  AttentionOptions options;
  options.causal = s.causal;
  options.isa = isa;
  const AttentionTensors forward = {query.view(), key.view(), value.view(), output.view(), lse.view(), {}};
  const AttentionGradientTensors backward = {
      query.view(),          key.view(),          value.view(),
      output.view(),         lse.view(),          gradient.view(),
      query_gradient.view(), key_gradient.view(), value_gradient.view()};
  Row row{s, 0, 0, 0, 0};
  row.forward = best_seconds(executor.workers(), [&] { require(attention(forward, options, executor)); });
  row.backward =
      best_seconds(executor.workers(), [&] { require(attention_backward(backward, options, executor)); });
  const double products =
      static_cast<double>(s.B * s.H * s.Tq * s.Tk * s.D) * (s.causal == Causal::kNone ? 2 : 1);
  row.forward_rate = 2 * products / row.forward;
  row.backward_rate = 5 * products / row.backward;
  return row;
}

void print(const Row& row, double peak) {
  const Shape5& s = row.shape;
  std::printf("%-20s %2ld %5ld %5ld %4ld  %9.1f us %6.1f GF/s %3.0f %%   %9.1f us %6.1f GF/s %3.0f %%\n",
              s.what, static_cast<long>(s.H), static_cast<long>(s.Tq), static_cast<long>(s.Tk),
              static_cast<long>(s.D), 1e6 * row.forward, 1e-9 * row.forward_rate,
              100 * row.forward_rate / peak, 1e6 * row.backward, 1e-9 * row.backward_rate,
              100 * row.backward_rate / peak);
  std::fflush(stdout);
}

nlohmann::json json_of(const Row& row) {
  const Shape5& s = row.shape;
  return {{"what", s.what},
          {"H", s.H},
          {"Tq", s.Tq},
          {"Tk", s.Tk},
          {"D", s.D},
          {"forward", row.forward},
          {"backward", row.backward},
          {"forward_rate", row.forward_rate},
          {"backward_rate", row.backward_rate}};
}

struct Arguments {
  bool json = false;
  Isa isa = isas().front();
  int threads = 1;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  int next = 1;
  if (next < argc && std::string(argv[next]) == "--json") {
    arguments.json = true;
    ++next;
  }
  if (next < argc) {
    const std::optional<Isa> isa = isa_from_name(argv[next++]);
    if (!isa) return std::nullopt;
    arguments.isa = *isa;
  }
  if (next < argc) arguments.threads = std::atoi(argv[next++]);
  if (next < argc || arguments.threads < 1) return std::nullopt;
  return arguments;
}

int run(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr, "usage: attend_kernels_bench [--json] [isa] [threads]\n");
    return 1;
  }
  const auto [as_json, isa, threads] = *arguments;
  const double peak = fma_peak(isa) * threads;
  const std::unique_ptr<Executor> executor = make_openmp_executor(threads);
  nlohmann::json rows = nlohmann::json::array();
  if (!as_json) {
    std::printf("%s, %d threads, peak %.1f GF/s (one thread's times threads)\n",
                std::string(name(isa)).c_str(), threads, 1e-9 * peak);
    std::printf("%-20s %2s %5s %5s %4s  %34s   %s\n", "", "H", "Tq", "Tk", "D", "forward", "backward");
  }
  for (const Shape5& shape : kShapes) {
    const Row row = measure(shape, isa, threads == 1 ? serial_executor() : *executor);
    rows.push_back(json_of(row));
    if (!as_json) print(row, peak);
  }
  if (as_json) {
    const nlohmann::json result = {{"isa", name(isa)}, {"threads", threads}, {"peak", peak}, {"rows", rows}};
    std::printf("%s\n", result.dump().c_str());
  }
  return 0;
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::run(argc, argv);
}
