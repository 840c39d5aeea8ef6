// Speed of attention on the shapes of the captioner and on long sequences, in GF/s and in percent of the
// multiply-add peak that this run measures.
//
//   attend_kernels_bench [isa] [threads]
//
// Operations are counted as 4 B Hq Tq Tk D forward (two products) and 10 backward (five), half of that under
// a causal mask. Times are the best of many calls.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "attend/attention.h"
#include "base/arena.h"
#include "base/random.h"
#include "fma_peak.h"

namespace attend {
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

/// Aligned to cache lines, as an arena's arrays are.
class Numbers {
 public:
  explicit Numbers(int64_t count) : memory_(allocate_aligned(static_cast<size_t>(count) * sizeof(float))) {}
  Numbers(int64_t count, uint64_t seed) : Numbers(count) {
    for (int64_t i = 0; i < count; ++i)
      data()[i] = static_cast<float>(RandomKey(seed).normal(static_cast<uint64_t>(i)));
  }
  float* data() const { return reinterpret_cast<float*>(memory_.get()); }

 private:
  AlignedBytes memory_;
};

void check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

void measure(const Shape5& s, Isa isa, Executor& executor, double peak) {
  const Shape query_shape = {s.B, s.H, s.Tq, s.D}, key_shape = {s.B, s.H, s.Tk, s.D},
              lse_shape = {s.B, s.H, s.Tq, 1};
  const int64_t queries = s.B * s.H * s.Tq * s.D, keys = s.B * s.H * s.Tk * s.D;
  const Numbers q(queries, 1), k(keys, 2), v(keys, 3), gradient(queries, 4);
  const Numbers out(queries), lse(s.B * s.H * s.Tq), dq(queries), dk(keys), dv(keys);
  AttentionOptions options;
  options.causal = s.causal;
  options.isa = isa;
  const AttentionTensors forward = {{q.data(), query_shape},   {k.data(), key_shape},   {v.data(), key_shape},
                                    {out.data(), query_shape}, {lse.data(), lse_shape}, {}};
  const AttentionGradientTensors backward = {forward.query,
                                             forward.key,
                                             forward.value,
                                             forward.output,
                                             forward.lse,
                                             {gradient.data(), query_shape},
                                             {dq.data(), query_shape},
                                             {dk.data(), key_shape},
                                             {dv.data(), key_shape}};
  const double forward_time =
      best_seconds(executor.workers(), [&] { check(attention(forward, options, executor)); });
  const double backward_time =
      best_seconds(executor.workers(), [&] { check(attention_backward(backward, options, executor)); });
  const double products =
      static_cast<double>(s.B * s.H * s.Tq * s.Tk * s.D) * (s.causal == Causal::kNone ? 2 : 1);
  const double forward_rate = 2 * products / forward_time, backward_rate = 5 * products / backward_time;
  std::printf("%-20s %2ld %5ld %5ld %4ld  %9.1f us %6.1f GF/s %3.0f %%   %9.1f us %6.1f GF/s %3.0f %%\n",
              s.what, static_cast<long>(s.H), static_cast<long>(s.Tq), static_cast<long>(s.Tk),
              static_cast<long>(s.D), 1e6 * forward_time, 1e-9 * forward_rate, 100 * forward_rate / peak,
              1e6 * backward_time, 1e-9 * backward_rate, 100 * backward_rate / peak);
}

int run(int argc, char** argv) {
  const std::optional<Isa> isa = argc > 1 ? isa_from_name(argv[1]) : isas().front();
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  if (!isa || threads < 1) {
    std::fprintf(stderr, "usage: attend_kernels_bench [isa] [threads]\n");
    return 1;
  }
  const double peak = fma_peak(*isa) * threads;
  const std::unique_ptr<Executor> executor = make_openmp_executor(threads);
  std::printf("%s, %d threads, peak %.1f GF/s (one thread's times threads)\n",
              std::string(name(*isa)).c_str(), threads, 1e-9 * peak);
  std::printf("%-20s %2s %5s %5s %4s  %34s   %s\n", "", "H", "Tq", "Tk", "D", "forward", "backward");
  for (const Shape5& shape : kShapes)
    measure(shape, *isa, threads == 1 ? serial_executor() : *executor, peak);
  return 0;
}

}  // namespace
}  // namespace attend

int main(int argc, char** argv) {
  return attend::run(argc, argv);
}
