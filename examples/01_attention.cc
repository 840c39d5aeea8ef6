// Attention in ten lines: three queries look at four keys and take a weighted sum of their values.
#include <cstdio>
#include <vector>

#include "attend/attention.h"

int main() {
  const std::vector<float> query(3 * 8, 0.5f), key(4 * 8, 0.25f), value = {1, 2, 3, 4};
  std::vector<float> output(3);
  attend::AttentionTensors tensors;
  tensors.query = {query.data(), {1, 1, 3, 8}};    // [B, Hq, Tq, D]
  tensors.key = {key.data(), {1, 1, 4, 8}};        // [B, Hkv, Tk, D]
  tensors.value = {value.data(), {1, 1, 4, 1}};    // [B, Hkv, Tk, Dv]
  tensors.output = {output.data(), {1, 1, 3, 1}};  // [B, Hq, Tq, Dv]
  const attend::Status status = attend::attention(tensors, {}, attend::serial_executor());
  std::printf("%s%g %g %g\n", status.message().c_str(), output[0], output[1], output[2]);
  return status.ok() ? 0 : 1;
}
