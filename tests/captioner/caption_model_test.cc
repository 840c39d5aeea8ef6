#include "captioner/caption_model.h"

#include <gtest/gtest.h>

#include "captioner/model_testing.h"

namespace attend {
namespace {

using namespace testing;

class EveryNormPlacement : public ::testing::TestWithParam<NormPlacement> {};
INSTANTIATE_TEST_SUITE_P(CaptionModel, EveryNormPlacement,
                         ::testing::Values(NormPlacement::kPre, NormPlacement::kPost));

TEST_P(EveryNormPlacement, GradientsAreTheSlopesOfTheLoss) {
  CaptionModel<double> model(tiny_shape(GetParam()));
  const ParameterList<double> parameters = model.parameters();
  randomize(parameters);
  Arena kept, arena;
  const TinyBatch<double> batch(kept);
  Pass pass(arena, serial_executor());
  zero_gradients(parameters);
  model.learn(batch.view(), 0.1, 1.0, pass);
  const auto loss = [&] {
    arena.reset();
    return model.loss(batch.view(), 0.1, pass);
  };
  expect_parameter_gradients(parameters, loss);
}

TEST(CaptionModel, GradientsAreTheSlopesOfTheLossWithEveryKindOfAttention) {
  for (const auto& [name, kind] : kMemoryAttentions) {
    SCOPED_TRACE(name);
    CaptionModelShape shape = tiny_shape();
    shape.text.block.cross_attention = kind;
    CaptionModel<double> model(shape);
    const ParameterList<double> parameters = model.parameters();
    randomize(parameters);
    Arena kept, arena;
    const TinyBatch<double> batch(kept);
    Pass pass(arena, serial_executor());
    model.learn(batch.view(), 0.1, 1.0, pass);
    expect_parameter_gradients(parameters, [&] {
      arena.reset();
      return model.loss(batch.view(), 0.1, pass);
    });
  }
}

// Beam search sees each photo's keys and values as they were projected once: what it says of the next word is
// what the whole sentence read at once says, and its weights are a map of the photo.
TEST(CaptionModel, SearchesWithEveryKindOfAttention) {
  for (const auto& [name, kind] : kMemoryAttentions) {
    SCOPED_TRACE(name);
    CaptionModelShape shape = tiny_shape();
    shape.text.block.cross_attention = kind;
    CaptionModel<float> model(shape);
    randomize(model.parameters());
    Arena arena;
    const Matrix<float> features = random_matrix<float>(arena, 8, 6, 99);
    const std::unique_ptr<NextWord> words = look_at(model, features, serial_executor());
    const std::vector<int32_t> start = {0, 0}, next = {4, 7, 9}, parents = {0, 0, 1};
    const std::vector<int64_t> one_each = {0, 1, 2}, two_and_one = {0, 2, 3};
    words->advance({}, start, one_each);
    const Matrix<float> second = words->advance(parents, next, two_and_one);

    Pass pass(arena, serial_executor());
    const auto photo = model.patches.forward(features, pass, nullptr);
    const auto memory = model.text.remember(photo.key_input, photo.value_input, photo.offsets, pass);
    const std::vector<int32_t> said = {0, 4, 0, 7, 0, 9};
    const std::vector<int64_t> captions = {0, 2, 4, 6}, photos = {0, 4, 6};
    const Matrix<float> logits = model.text.forward(said, {captions, photos}, memory, pass, nullptr);
    for (int64_t row = 0; row < 3; ++row) {
      const std::span<const float> whole = logits.row(2 * row + 1), step = second.row(row);
      for (size_t w = 1; w < whole.size(); ++w) {  // logits and log-probabilities differ by a number a row
        EXPECT_NEAR(whole[w] - whole[0], step[w] - step[0], 1e-4);
      }
      double sum = 0.0;
      for (const float weight : words->attention().row(row)) {
        EXPECT_GE(weight, 0.0f);
        sum += static_cast<double>(weight);
      }
      EXPECT_NEAR(sum, 1.0, 1e-5);
    }
  }
}

TEST(CaptionModel, GradientsAreTheSlopesOfTheLossUnderDropout) {
  CaptionModelShape shape = tiny_shape();
  shape.patches.feature_dropout = 0.3;
  shape.patches.block.dropout = shape.text.block.dropout = 0.2;
  shape.text.embedding_dropout = 0.25;
  CaptionModel<double> model(shape);
  const ParameterList<double> parameters = model.parameters();
  randomize(parameters);
  Arena kept, arena;
  const TinyBatch<double> batch(kept);
  zero_gradients(parameters);
  Pass learning(arena, serial_executor(), RandomKey(5));
  const double learned = model.learn(batch.view(), 0.1, 1.0, learning);
  const auto loss = [&] {
    arena.reset();
    Pass again(arena, serial_executor(), RandomKey(5));
    return model.loss(batch.view(), 0.1, again);
  };
  EXPECT_EQ(learned, loss());
  expect_parameter_gradients(parameters, loss);
  Pass otherwise(arena, serial_executor(), RandomKey(6));
  EXPECT_NE(learned, model.loss(batch.view(), 0.1, otherwise));
}

TEST(CaptionModel, LearningAddsScaledGradients) {
  CaptionModel<double> model(tiny_shape());
  const ParameterList<double> parameters = model.parameters();
  randomize(parameters);
  Arena kept, arena;
  const TinyBatch<double> batch(kept);
  Pass pass(arena, serial_executor());
  zero_gradients(parameters);
  const double loss = model.learn(batch.view(), 0, 1.0, pass);
  std::vector<Matrix<double>> once;
  for (Parameter<double>* parameter : parameters) {
    once.push_back(kept.matrix<double>(parameter->rows(), parameter->cols()));
    std::ranges::copy(parameter->gradient().values(), once.back().data);
  }
  EXPECT_EQ(model.learn(batch.view(), 0, 0.5, pass), loss);
  for (size_t i = 0; i < parameters.size(); ++i) {
    for (double& g : once[i].values()) g *= 1.5;
    expect_near(parameters[i]->gradient(), once[i], 1e-12, parameters[i]->name());
  }
}

TEST(CaptionModel, APhotosCaptionsInOneBatchWeighWhatTheyWeighAlone) {
  CaptionModel<double> model(tiny_shape());
  randomize(model.parameters());
  Arena kept, arena;
  const TinyBatch<double> batch(kept);
  Pass pass(arena, serial_executor());
  const CaptionBatch<double> all = batch.view();
  double sum = 0;
  for (size_t c = 0; c < 3; ++c) {
    const size_t first = static_cast<size_t>(batch.captions[c]);
    const size_t rows = static_cast<size_t>(batch.captions[c + 1]) - first;
    const std::vector<int64_t> whole = {0, static_cast<int64_t>(rows)};
    sum += model.loss({batch.features.slice(c < 2 ? 0 : 4, 4), all.words.subspan(first, rows),
                       all.next_words.subspan(first, rows), all.weights.subspan(first, rows), whole, whole},
                      0.1, pass);
  }
  EXPECT_NEAR(model.loss(all, 0.1, pass), sum, 1e-10);
}

TEST(CaptionModel, EveryParameterHasItsOwnName) {
  CaptionModel<float> model(tiny_shape());
  std::vector<std::string> names;
  for (const Parameter<float>* parameter : model.parameters()) names.push_back(parameter->name());
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_TRUE(std::ranges::binary_search(names, "patches.rows"));
  EXPECT_TRUE(std::ranges::binary_search(names, "text.blocks.1.cross_attention.value.weight"));
}

TEST(CaptionModel, FloatAndDoubleAgree) {
  CaptionModel<float> narrow(tiny_shape());
  CaptionModel<double> wide(tiny_shape());
  randomize(narrow.parameters());
  randomize(wide.parameters());
  Arena kept, arena;
  Pass pass(arena, serial_executor());
  const TinyBatch<float> narrow_batch(kept);
  const TinyBatch<double> wide_batch(kept);
  EXPECT_NEAR(narrow.learn(narrow_batch.view(), 0.1, 1, pass), wide.learn(wide_batch.view(), 0.1, 1, pass),
              1e-4);
  const ParameterList<float> a = narrow.parameters();
  const ParameterList<double> b = wide.parameters();
  for (size_t i = 0; i < a.size(); ++i) expect_near(a[i]->gradient(), b[i]->gradient(), 2e-4, a[i]->name());
}

}  // namespace
}  // namespace attend
