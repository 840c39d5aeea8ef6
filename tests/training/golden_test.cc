// Ten steps of training a small caption model, against PyTorch's.
#include <gtest/gtest.h>

#include "captioner/caption_model.h"
#include "training/adamw.h"
#include "training/golden_numbers.h"
#include "training/schedule.h"

namespace attend {
namespace {

CaptionModelShape small_shape() {
  const BlockShape block = {.width = 8, .heads = 2, .hidden = 12};
  return {.patches = {.features = 6, .grid = 2, .layers = 1, .block = block},
          .text = {.vocabulary = 11, .max_length = 7, .layers = 2, .block = block}};
}

template <class T>
class TrainingGolden : public ::testing::Test {};
using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TrainingGolden, BothTypes);

TYPED_TEST(TrainingGolden, TenLossesAndTheParametersAfterThemArePyTorchs) {
  using T = TypeParam;
  const GoldenNumbers given("captioner.safetensors"), golden("training.safetensors");
  std::vector<T> features = given.as<T>("features");
  const std::vector<int32_t> words = given.as<int32_t>("words"), next = given.as<int32_t>("next_words");
  const std::vector<int64_t> captions = given.as<int64_t>("captions"), photos = given.as<int64_t>("photos");
  const CaptionBatch<T> batch{Matrix<T>(features.data(), 8, 6), words, next, {}, captions, photos};
  CaptionModel<T> model(small_shape());
  const ParameterList<T> parameters = model.parameters();
  for (Parameter<T>* p : parameters) {
    const std::vector<T> values = given.as<T>(p->name());
    ASSERT_EQ(static_cast<int64_t>(values.size()), p->size()) << p->name();
    std::copy(values.begin(), values.end(), p->value().data);
  }
  AdamW<T> optimiser(parameters, {.weight_decay = 0.1, .clip = 1});
  const Schedule schedule{.peak = 0.02, .floor = 0.001, .warmup = 4, .steps = 10};
  const std::vector<double> losses = golden("loss", 10), norms = golden("norm", 10);
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-8;
  const double rows = static_cast<double>(words.size());
  Arena arena;
  for (size_t step = 0; step < losses.size(); ++step) {
    arena.reset();
    zero_gradients(parameters);
    Pass pass(arena, serial_executor());
    EXPECT_NEAR(model.learn(batch, 0.1, 1 / rows, pass) / rows, losses[step], tolerance) << step;
    const double rate = schedule.rate(static_cast<int64_t>(step));
    EXPECT_NEAR(optimiser.step(rate, serial_executor()), norms[step], tolerance) << step;
  }
  for (Parameter<T>* p : parameters) {
    const std::vector<double> values = golden(p->name());
    for (int64_t i = 0; i < p->size(); ++i) {
      // A gradient that is zero but for rounding (keys' biases) moves by its noise, scaled up to the rate.
      if (p->name().ends_with("key.bias") || p->name().ends_with("qkv.bias")) continue;
      ASSERT_NEAR(static_cast<double>(p->value().data[i]), values[static_cast<size_t>(i)], 10 * tolerance)
          << p->name() << " " << i;
    }
  }
}

}  // namespace
}  // namespace attend
