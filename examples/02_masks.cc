// Who sees whom: a causal order, lengths of padded sequences, a boolean mask. And what the library makes of
// it.
#include <cmath>
#include <cstdio>
#include <vector>

#include "attend/attention.h"

int main() {
  constexpr int64_t B = 2, Hq = 8, Hkv = 2, T = 6, D = 64;  // four query heads share a key/value head
  std::vector<float> query(B * Hq * T * D), key(B * Hkv * T * D), value(B * Hkv * T * D);
  for (size_t i = 0; i < query.size(); ++i) query[i] = std::sin(static_cast<float>(i));
  for (size_t i = 0; i < key.size(); ++i) key[i] = std::cos(static_cast<float>(3 * i));
  for (size_t i = 0; i < value.size(); ++i) value[i] = std::sin(static_cast<float>(7 * i));
  std::vector<float> output(query.size()), weights(B * Hq * T * T);

  attend::AttentionTensors tensors;
  tensors.query = {query.data(), {B, Hq, T, D}};
  tensors.key = {key.data(), {B, Hkv, T, D}};
  tensors.value = {value.data(), {B, Hkv, T, D}};
  tensors.output = {output.data(), {B, Hq, T, D}};
  tensors.weights = {weights.data(), {B, Hq, T, T}};

  const std::vector<int64_t> lengths = {6, 4};  // the second sequence ends after four tokens
  const bool not_the_first[T] = {false, true, true, true, true, true};
  attend::AttentionOptions options;
  options.causal = attend::Causal::kUpperLeft;   // token i sees tokens 0 .. i,
  options.kv_lengths = lengths;                  // of those that exist,
  options.mask = {not_the_first, {1, 1, 1, T}};  // but never token 0

  const auto executor = attend::make_openmp_executor();
  if (const attend::Status status = attend::attention(tensors, options, *executor); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  }
  std::printf("%s\n\nweights of the second sequence, head 0:\n",
              attend::explain(tensors, options).value().c_str());
  for (int64_t i = 0; i < T; ++i) {
    for (int64_t j = 0; j < T; ++j) std::printf(" %.2f", weights[((Hq + 0) * T + i) * T + j]);
    std::printf("\n");
  }

  // A mistake is a sentence that names the axis and both numbers; nothing has been written.
  tensors.key.shape[2] = 5;
  std::printf("\n%s\n", attend::attention(tensors, options, *executor).message().c_str());
  return 0;
}
