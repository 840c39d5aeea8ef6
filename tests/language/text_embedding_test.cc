#include "language/text_embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

TextEmbeddingShape shape_with(Positions positions, double dropout = 0) {
  return {.vocabulary = 9, .max_length = 6, .width = 7, .positions = positions, .dropout = dropout};
}

class BothPositions : public GradientTest, public ::testing::WithParamInterface<Positions> {
 protected:
  Pass pass_over(Arena& arena) override { return Pass(arena, serial_executor(), RandomKey(7)); }
  std::vector<int64_t> sentences_ = {0, 3, 3, 5};
  std::vector<int32_t> words_ = {0, 4, 8, 0, 4};
};

INSTANTIATE_TEST_SUITE_P(TextEmbedding, BothPositions,
                         ::testing::Values(Positions::kLearned, Positions::kSinusoidal));

TEST_P(BothPositions, PlacesCountFromTheStartOfEachSentence) {
  TextEmbedding<double> embedding("e", shape_with(GetParam()));
  randomized(embedding);
  Pass pass(kept, serial_executor());
  const Matrix<double> x = embedding.forward(words_, sentences_, pass, nullptr);
  expect_same_bits<double>(x.slice(0, 2), x.slice(3, 2), "two sentences that begin alike");
  EXPECT_NE(x.row(1)[0], embedding.step(std::vector<int32_t>{4}, 0, pass).row(0)[0]);
}

TEST_P(BothPositions, AStepGivesTheRowOfAllAtOnce) {
  TextEmbedding<double> embedding("e", shape_with(GetParam()));
  randomized(embedding);
  Pass pass(kept, serial_executor());
  const Matrix<double> x = embedding.forward(words_, sentences_, pass, nullptr);
  for (int64_t place = 0; place < 3; ++place) {
    const std::vector<int32_t> word = {words_[static_cast<size_t>(place)]};
    expect_same_bits<double>(embedding.step(word, place, pass), x.slice(place, 1), "a step");
  }
}

TEST_P(BothPositions, GradientsAreTheSlopesOfTheLoss) {
  TextEmbedding<double> embedding("e", shape_with(GetParam(), 0.3));
  const ParameterList<double> parameters = randomized(embedding);
  EXPECT_EQ(parameters.size(), GetParam() == Positions::kLearned ? 2u : 1u);
  const Matrix<double> dy = random(5, 7, 2);
  TextEmbedding<double>::Activations a;
  Pass pass = pass_over(kept);
  embedding.forward(words_, sentences_, pass, &a);
  EXPECT_TRUE(a.dropout.active);
  const Matrix<double> dx = random(5, 7, 2);
  embedding.backward(a, dx, pass);
  expect_parameter_gradients(parameters, [&] {
    return loss(dy, [&](Pass& p) { return embedding.forward(words_, sentences_, p, nullptr); });
  });
}

TEST(TextEmbedding, WavesAreThoseOfThePaperAndWordsAreScaled) {
  TextEmbedding<double> embedding(
      "e",
      {.vocabulary = 2, .max_length = 40, .width = 4, .positions = Positions::kSinusoidal, .dropout = 0});
  ParameterList<double> parameters;
  embedding.collect(parameters);
  std::ranges::fill(parameters[0]->value().values(), 0.5);
  Arena arena;
  Pass pass(arena, serial_executor());
  for (const int64_t place : {0, 1, 39}) {
    const Matrix<double> x = embedding.step(std::vector<int32_t>{1}, place, pass);
    const double angle = static_cast<double>(place);
    EXPECT_NEAR(x.row(0)[0], 0.5 * 2 + std::sin(angle), 1e-12);
    EXPECT_NEAR(x.row(0)[1], 0.5 * 2 + std::sin(angle / 100), 1e-12);
    EXPECT_NEAR(x.row(0)[2], 0.5 * 2 + std::cos(angle), 1e-12);
    EXPECT_NEAR(x.row(0)[3], 0.5 * 2 + std::cos(angle / 100), 1e-12);
  }
}

}  // namespace
}  // namespace attend::testing
