// The small model of tests/golden/make_translation.py: what PyTorch computes from the same numbers, and where
// ten steps of training lead.
#include <gtest/gtest.h>

#include "training/adamw.h"
#include "training/golden_numbers.h"
#include "training/schedule.h"
#include "translation/model_testing.h"

namespace attend::testing {
namespace {

template <class T>
class TranslationGolden : public ::testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(T) == 4 ? 1e-4 : 1e-9;

  TranslationGolden() : model_(tiny_shape()) {
    for (Parameter<T>* p : model_.parameters()) {
      const std::vector<double> values = golden_(p->name());
      EXPECT_EQ(static_cast<int64_t>(values.size()), p->size()) << p->name();
      std::ranges::transform(values, p->value().data, [](double x) { return static_cast<T>(x); });
    }
  }

  GoldenNumbers golden_{"translation.safetensors"};
  TranslationModel<T> model_;
  TinyPairs pairs_;
  Arena arena_;
};

using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TranslationGolden, BothTypes);

TYPED_TEST(TranslationGolden, TheBatchIsThatOfTheScript) {
  EXPECT_EQ(this->golden_.template as<int32_t>("source"), this->pairs_.source);
  EXPECT_EQ(this->golden_.template as<int32_t>("words"), this->pairs_.words);
  EXPECT_EQ(this->golden_.template as<int32_t>("next_words"), this->pairs_.next_words);
  EXPECT_EQ(this->golden_.template as<int64_t>("sources"), this->pairs_.sources);
  EXPECT_EQ(this->golden_.template as<int64_t>("targets"), this->pairs_.targets);
}

TYPED_TEST(TranslationGolden, LogitsAndGradientsArePyTorchs) {
  using T = TypeParam;
  const TranslationBatch batch = this->pairs_.batch();
  Pass pass(this->arena_, serial_executor());
  TranslationModel<T>& model = this->model_;
  const Matrix<T> state = model.encode(batch.source, batch.sources, pass);
  const Matrix<T> logits =
      model.decoder.forward(batch.words, {batch.targets, batch.targets},
                            model.decoder.remember(state, state, batch.sources, pass), pass, nullptr);
  std::vector<double> expected = this->golden_("logits", 12 * 13);
  expect_near(logits, Matrix<double>(expected.data(), 12, 13), this->kTolerance, "logits");
  zero_gradients(model.parameters());
  model.learn(batch, 0.1, 1.0 / 12, pass);
  for (Parameter<T>* p : model.parameters()) {
    std::vector<double> gradient = this->golden_(p->name() + ".gradient");
    expect_near(p->gradient(), Matrix<double>(gradient.data(), p->rows(), p->cols()), this->kTolerance,
                p->name());
  }
}

TYPED_TEST(TranslationGolden, TenLossesAndTheParametersAfterThemArePyTorchs) {
  using T = TypeParam;
  const ParameterList<T> parameters = this->model_.parameters();
  AdamW<T> optimiser(parameters, {.beta2 = 0.98, .epsilon = 1e-9, .weight_decay = 0.1, .clip = 1});
  const Schedule schedule{.peak = 0.02, .warmup = 4, .fall = Schedule::Fall::kInverseSquareRoot};
  const std::vector<double> losses = this->golden_("losses", 10), norms = this->golden_("norms", 10),
                            rates = this->golden_("rates", 10);
  for (size_t step = 0; step < 10; ++step) {
    this->arena_.reset();
    zero_gradients(parameters);
    Pass pass(this->arena_, serial_executor());
    EXPECT_NEAR(this->model_.learn(this->pairs_.batch(), 0.1, 1.0 / 12, pass) / 12, losses[step],
                this->kTolerance)
        << step;
    const double rate = schedule.rate(static_cast<int64_t>(step));
    EXPECT_NEAR(rate, rates[step], 1e-15);
    EXPECT_NEAR(optimiser.step(rate, serial_executor()), norms[step], this->kTolerance) << step;
  }
  for (Parameter<T>* p : parameters) {
    // A gradient that is zero but for rounding (keys' biases) moves by its noise, scaled up to the rate.
    if (p->name().ends_with("key.bias") || p->name().ends_with("qkv.bias")) continue;
    std::vector<double> after = this->golden_(p->name() + ".after");
    expect_near(p->value(), Matrix<double>(after.data(), p->rows(), p->cols()), 10 * this->kTolerance,
                p->name());
  }
}

}  // namespace
}  // namespace attend::testing
