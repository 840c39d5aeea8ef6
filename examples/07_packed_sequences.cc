// Texts of different lengths in one call, without padding: their tokens follow each other, and offsets say
// where each text begins.
#include <cmath>
#include <cstdio>
#include <vector>

#include "attend/varlen.h"

int main() {
  constexpr int64_t H = 4, D = 64;
  const std::vector<int64_t> starts = {0, 5, 5, 12, 300};  // of 5, 0, 7 and 288 tokens
  const int64_t total = starts.back();
  std::vector<float> query(total * H * D), key(query.size()), value(query.size()), output(query.size());
  for (size_t i = 0; i < query.size(); ++i) {
    query[i] = std::sin(static_cast<float>(i));
    key[i] = std::cos(static_cast<float>(3 * i));
    value[i] = std::sin(static_cast<float>(7 * i));
  }

  // Memory holds a token's heads together, [total, H, D], as a projection leaves them.
  const attend::Shape shape = {1, H, total, D}, stride = {0, D, H * D, 1};
  attend::PackedAttentionTensors tensors;
  tensors.query = {query.data(), shape, stride};
  tensors.key = {key.data(), shape, stride};
  tensors.value = {value.data(), shape, stride};
  tensors.query_starts = tensors.key_starts = starts;
  tensors.output = {output.data(), shape, stride};

  attend::AttentionOptions options;
  options.causal = attend::Causal::kUpperLeft;  // within each text

  const auto executor = attend::make_openmp_executor();
  if (const attend::Status status = attend::attention_varlen(tensors, options, *executor); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  }
  std::printf("%s\n\n", attend::explain_varlen(tensors, options).value().c_str());

  // The first token of a text sees itself alone: its output is its value.
  for (size_t s = 0; s + 1 < starts.size(); ++s) {
    if (starts[s] == starts[s + 1]) continue;
    const int64_t first = starts[s] * H * D;
    std::printf("text %zu begins with %.4f, and its value is %.4f\n", s, output[first], value[first]);
    if (std::fabs(output[first] - value[first]) > 1e-6f) return 1;
  }
  return 0;
}
