// A whole training step of a block: float against double, and the same bits for any number of workers.
#include "nn/cross_entropy.h"
#include "nn/embedding.h"
#include "nn/gemm.h"
#include "nn/layer_testing.h"
#include "nn/transformer_block.h"

namespace attend::testing {
namespace {

constexpr int64_t kWidth = 64, kWords = 701, kRows = 400;

std::vector<int64_t> offsets_of(std::initializer_list<int64_t> lengths) {
  std::vector<int64_t> offsets = {0};
  for (const int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return offsets;
}

// Embedding, decoder block, tied output and loss; the gradients of everything.
template <class T>
struct Step {
  Arena arena;
  Embedding<T> words{"words", kWords, kWidth, 0.5};
  DecoderBlock<T> block{"block", {.width = kWidth, .heads = 4, .hidden = 128, .dropout = 0.1}};
  ParameterList<T> parameters;
  double loss = 0.0;
  Matrix<T> dmemory;

  explicit Step(Executor& executor, Precision precision = Precision::kFloat32) {
    words.collect(parameters);
    block.collect(parameters);
    initialize(parameters, 5);
    const std::vector<int64_t> captions = offsets_of({60, 60, 33, 47, 7, 93, 100});
    const std::vector<int64_t> photos = offsets_of({120, 80, 200}), patches = offsets_of({81, 49, 81});
    std::vector<int32_t> said, next;
    for (uint64_t r = 0; r < kRows; ++r) {
      said.push_back(static_cast<int32_t>(RandomKey(1).below(r, kWords)));
      next.push_back(static_cast<int32_t>(RandomKey(2).below(r, kWords)));
    }
    Pass pass(arena, executor, RandomKey(3));
    pass.precision = precision;
    const Matrix<T> memory_rows = random_matrix<T>(arena, 211, kWidth, 4);
    const KeyValues<T> memory = block.cross_attention.project(memory_rows, memory_rows, patches, pass);
    typename DecoderBlock<T>::Activations a;
    const Matrix<T> y = block.forward(words.forward(said, pass), {captions, photos}, memory, pass, &a);
    const Matrix<T> logits = words.logits(y, pass);
    loss = cross_entropy(logits, {next, {}}, 0.1, 1.0 / kRows, pass);
    const typename CrossAttention<T>::MemoryGradient projected{arena.matrix<T>(211, kWidth),
                                                               arena.matrix<T>(211, kWidth)};
    const Matrix<T> dx = block.backward(a, memory, words.logits_backward(y, logits, pass), projected, pass);
    words.backward(said, dx, pass);
    dmemory = block.cross_attention.project_backward(memory_rows, memory_rows, projected, pass).value_input;
  }
};

double largest(ConstMatrix<double> m) {
  double most = 0.0;
  for (const double value : m.values()) most = std::max(most, std::abs(value));
  return most;
}

TEST(TrainingStep, InFloatIsThatInDouble) {
  Step<float> narrow(serial_executor());
  Step<double> wide(serial_executor());
  EXPECT_NEAR(narrow.loss, wide.loss, 1e-6 * wide.loss);
  double model_scale = 0.0;
  for (Parameter<double>* p : wide.parameters) model_scale = std::max(model_scale, largest(p->gradient()));
  for (size_t p = 0; p < wide.parameters.size(); ++p) {
    const Matrix<double> expected = wide.parameters[p]->gradient();
    const Matrix<float> actual = narrow.parameters[p]->gradient();
    // Sums of kRows terms, whose rounding errors add up like a random walk, on the scale of the largest
    // gradient: of this parameter or, where terms cancel (the bias of the keys moves all scores of a query
    // alike, so that its gradient is 0), of a tenth of the model's.
    const double scale = std::max(largest(expected), 0.1 * model_scale);
    const double tolerance = 0x1p-23 * std::sqrt(double{kRows}) * 4.0 * scale;
    for (int64_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(std::abs(static_cast<double>(actual.data[i]) - expected.data[i]) <= tolerance)
          << wide.parameters[p]->name() << " element " << i << ": " << actual.data[i] << " against "
          << expected.data[i] << ", tolerance " << tolerance;
    }
  }
}

TEST(TrainingStep, InBfloat16HasTheGradientsOfFloatToTwoDigits) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "no bfloat16 instructions on this machine";
  Step<float> exact(serial_executor());
  Step<float> rounded(serial_executor(), Precision::kBFloat16);
  EXPECT_NEAR(rounded.loss, exact.loss, 2e-3 * exact.loss);
  double error = 0.0, size = 0.0;  // squared lengths, of the difference and of the whole gradient
  for (size_t p = 0; p < exact.parameters.size(); ++p) {
    const Matrix<float> expected = exact.parameters[p]->gradient(),
                        actual = rounded.parameters[p]->gradient();
    for (int64_t i = 0; i < expected.size(); ++i) {
      error += std::pow(static_cast<double>(actual.data[i] - expected.data[i]), 2);
      size += std::pow(static_cast<double>(expected.data[i]), 2);
    }
  }
  EXPECT_LE(std::sqrt(error / size), 0.01);
  EXPECT_GT(std::sqrt(error / size), 1e-5);  // it did round
}

TEST(TrainingStep, GivesTheSameBitsForAnyNumberOfWorkers) {
  Step<float> alone(serial_executor());
  for (const int workers : {1, 2, 3}) {
    const std::unique_ptr<Executor> executor = make_openmp_executor(workers);
    Step<float> shared(*executor);
    EXPECT_EQ(alone.loss, shared.loss);
    for (size_t p = 0; p < alone.parameters.size(); ++p) {
      expect_same_bits<float>(alone.parameters[p]->gradient(), shared.parameters[p]->gradient(),
                              alone.parameters[p]->name());
    }
    expect_same_bits<float>(alone.dmemory, shared.dmemory, "memory");
  }
}

TEST(TrainingStep, TakesNoMoreMemoryTheSecondTime) {
  Arena arena;
  EncoderBlock<float> block("block", {.width = 32, .heads = 2, .hidden = 64});
  const std::vector<int64_t> offsets = {0, 9, 20, 50};
  const auto run = [&] {
    arena.reset();
    Pass pass(arena, serial_executor());
    EncoderBlock<float>::Activations a;
    const Matrix<float> x = random_matrix<float>(arena, 50, 32, 1);
    block.backward(a, block.forward(x, offsets, Causal::kNone, pass, &a), pass);
  };
  run();
  run();
  const size_t capacity = arena.capacity();
  run();
  EXPECT_EQ(arena.capacity(), capacity);
}

}  // namespace
}  // namespace attend::testing
