// Attention inside somebody else's thread pool: implement Executor, and the bits stay the same.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "attend/attention.h"

namespace {

// Two workers: the calling thread and one more. A real pool would keep its threads.
class Pair final : public attend::Executor {
 public:
  int workers() const override { return 2; }
  void run(int64_t count, Task task, void* context) override {
    std::atomic<int64_t> next = 0;
    const auto work = [&](int worker) {
      for (int64_t i; (i = next++) < count;) task(context, i, worker);
    };
    std::jthread other(work, 1);
    work(0);
  }
};

}  // namespace

int main() {
  constexpr int64_t H = 4, T = 300, D = 40;
  std::vector<float> data(H * T * D);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i % 17) / 16.0f;
  std::vector<float> alone(data.size()), together(data.size());

  attend::AttentionTensors tensors;
  tensors.query = tensors.key = tensors.value = {data.data(), {1, H, T, D}};
  attend::AttentionOptions options;
  options.causal = attend::Causal::kUpperLeft;

  Pair pair;
  // Scratch is declared beforehand, so that a real-time caller can keep it.
  tensors.output = {together.data(), {1, H, T, D}};
  const attend::Result<size_t> scratch = attend::attention_scratch_bytes(tensors, options, pair.workers());
  if (!scratch.ok()) return 1;
  std::printf("%zu bytes of scratch for two workers\n", scratch.value());
  if (!attend::attention(tensors, options, pair).ok()) return 1;
  tensors.output = {alone.data(), {1, H, T, D}};
  if (!attend::attention(tensors, options, attend::serial_executor()).ok()) return 1;

  const bool same = std::memcmp(alone.data(), together.data(), alone.size() * sizeof(float)) == 0;
  std::printf("%s\n", same ? "the same bits on one thread and on two" : "different bits");
  return same ? 0 : 1;
}
