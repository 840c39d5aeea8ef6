// The attention that many tutorials begin with, number for number:
//
//   query = nn.Linear(128, 128)
//   weights = torch.tanh(query(x)) @ keys.T        # [1, 100], not normalised
//   out = weights @ values                         # [1, 128]
//
// and what becomes of the weights when they are the softmax of these scores. The argument is a safetensors
// file with PyTorch's query.weight, query.bias, x, keys, values, and its results:
// tests/golden/attention_modules.safetensors.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "nn/attention_module.h"

namespace {

using attend::Matrix;

bool read(const attend::Safetensors& file, const char* name, std::vector<int64_t> shape, Matrix<float> into) {
  const attend::Status status = file.read(std::string("snippet.") + name, shape, into.values());
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok();
}

float largest_difference(Matrix<float> a, Matrix<float> b) {
  float most = 0.0f;
  for (int64_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.data[i] - b.data[i]));
  return most;
}

void print_weights(const char* title, Matrix<float> weights) {
  std::printf("%s [%lld, %lld]", title, static_cast<long long>(weights.rows),
              static_cast<long long>(weights.cols));
  for (int64_t i = 0; i < weights.size(); ++i)
    std::printf("%s%8.4f", i % 10 == 0 ? "\n " : " ", weights.data[i]);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s attention_modules.safetensors\n", argv[0]);
    return 1;
  }
  const auto file = attend::Safetensors::open(argv[1]);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.status().message().c_str());
    return 1;
  }

  attend::AttentionModuleShape shape;
  shape.score = attend::Score::kTanh;
  shape.weights = attend::Weights::kRaw;
  shape.query = shape.key = shape.value = 128;
  attend::AttentionModule<float> module("module", shape);

  attend::Arena arena;  // all matrices of one pass
  const Matrix<float> x = arena.matrix<float>(1, 128), keys = arena.matrix<float>(100, 128);
  const Matrix<float> values = arena.matrix<float>(100, 128), expected_weights = arena.matrix<float>(1, 100);
  const Matrix<float> expected_out = arena.matrix<float>(1, 128);
  if (!read(file.value(), "query.weight", {128, 128}, module.query->weight.value()) ||
      !read(file.value(), "query.bias", {128}, module.query->bias.value()) ||
      !read(file.value(), "x", {1, 128}, x) || !read(file.value(), "keys", {100, 128}, keys) ||
      !read(file.value(), "values", {100, 128}, values) ||
      !read(file.value(), "weights", {1, 100}, expected_weights) ||
      !read(file.value(), "out", {1, 128}, expected_out)) {
    return 1;
  }

  // Sequences lie one after the other in the rows of a matrix; here there is one of each.
  const std::vector<int64_t> queries = {0, 1}, memory_rows = {0, 100};
  attend::Pass pass(arena, attend::serial_executor());
  const attend::KeyValues<float> memory = module.project(keys, values, memory_rows, pass);
  const Matrix<float> weights = arena.matrix<float>(1, 100);
  const Matrix<float> out = module.forward(x, queries, memory, pass, nullptr, weights);

  std::printf("query [1, 128], keys [100, 128], values [100, 128] -> output [%lld, %lld]\n",
              static_cast<long long>(out.rows), static_cast<long long>(out.cols));
  print_weights("raw weights", weights);
  const float weights_apart = largest_difference(weights, expected_weights);
  const float out_apart = largest_difference(out, expected_out);
  std::printf("largest difference from PyTorch's: weights %.1e, output %.1e\n",
              static_cast<double>(weights_apart), static_cast<double>(out_apart));

  shape.weights = attend::Weights::kSoftmax;
  attend::AttentionModule<float> normalised("module", shape);
  std::ranges::copy(module.query->weight.value().values(), normalised.query->weight.value().data);
  std::ranges::copy(module.query->bias.value().values(), normalised.query->bias.value().data);
  normalised.forward(x, queries, memory, pass, nullptr, weights);
  print_weights("softmax weights", weights);
  return weights_apart < 1e-4f && out_apart < 1e-3f ? 0 : 1;
}
