// Two queries look at three keys; each sees the key that it equals, and the causal mask hides the last.
#include <cmath>
#include <cstdio>
#include <vector>

#include "attend/attention.h"

int main() {
  const std::vector<float> query = {8, 0, 0, 8};           // [2, 2]
  const std::vector<float> key = {8, 0, 0, 8, 8, 8};       // [3, 2]
  const std::vector<float> value = {1, 2, std::nanf("")};  // [3, 1]
  std::vector<float> output(2);
  const attend::AttentionTensors tensors = {.query = {query.data(), {1, 1, 2, 2}},
                                            .key = {key.data(), {1, 1, 3, 2}},
                                            .value = {value.data(), {1, 1, 3, 1}},
                                            .output = {output.data(), {1, 1, 2, 1}},
                                            .lse = {},
                                            .weights = {}};
  attend::AttentionOptions options;
  options.causal = attend::Causal::kUpperLeft;
  const auto executor = attend::make_openmp_executor(2);
  if (const attend::Status status = attend::attention(tensors, options, *executor); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  }
  std::printf("%s\n%g %g\n", attend::explain(tensors, options).value().c_str(), output[0], output[1]);
  return output[0] == 1.0f && std::abs(output[1] - 2.0f) < 1e-6f ? 0 : 1;
}
