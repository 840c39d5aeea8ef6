// The gradients of the whole encoder-decoder by finite differences, in double.
#include "translation/model_testing.h"

namespace attend::testing {
namespace {

struct Case {
  NormPlacement norm;
  double dropout, smoothing;
};

class TranslationGradient : public GradientTest, public ::testing::WithParamInterface<Case> {};

INSTANTIATE_TEST_SUITE_P(NormAndDropout, TranslationGradient,
                         ::testing::Values(Case{NormPlacement::kPre, 0, 0},
                                           Case{NormPlacement::kPre, 0.3, 0.1},
                                           Case{NormPlacement::kPost, 0.3, 0.1}));

TEST_P(TranslationGradient, OfEveryParameterIsTheSlopeOfTheLoss) {
  const auto& [norm, dropout, smoothing] = GetParam();
  TranslationModel<double> model = tiny_model<double>(norm, dropout);
  const TinyPairs pairs;
  const ParameterList<double> parameters = model.parameters();
  zero_gradients(parameters);
  Pass pass(kept, serial_executor(), RandomKey(3));
  model.learn(pairs.batch(), smoothing, 0.5, pass);
  std::vector<std::vector<double>> gradients;
  for (Parameter<double>* p : parameters)
    gradients.emplace_back(p->gradient().values().begin(), p->gradient().values().end());
  // learn() in a training pass is the loss too, with the same elements dropped; what it adds is thrown away.
  const auto loss = [&] {
    activations.reset();
    Pass again(activations, serial_executor(), RandomKey(3));
    return 0.5 * model.learn(pairs.batch(), smoothing, 0.0, again);
  };
  for (size_t i = 0; i < parameters.size(); ++i) {
    Parameter<double>& p = *parameters[i];
    expect_gradient(p.value(), {gradients[i].data(), p.rows(), p.cols()}, loss, p.name());
  }
}

TEST(TranslationModel, TheLossAloneIsThatOfLearningWithoutDropout) {
  TranslationModel<double> model = tiny_model<double>();
  const TinyPairs pairs;
  Arena arena;
  Pass pass(arena, serial_executor());
  const double alone = model.loss(pairs.batch(), 0.1, pass);
  EXPECT_DOUBLE_EQ(alone, model.learn(pairs.batch(), 0.1, 1.0, pass));
  EXPECT_GT(alone, 0);
}

TEST(TranslationModel, NoPairSeesAnother) {
  TranslationModel<double> model = tiny_model<double>();
  const TinyPairs pairs;
  Arena arena;
  Pass pass(arena, serial_executor());
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto part = [](const std::vector<int32_t>& rows, const std::vector<int64_t>& offsets, size_t at) {
      return std::vector<int32_t>(rows.begin() + offsets[at], rows.begin() + offsets[at + 1]);
    };
    const std::vector<int32_t> source = part(pairs.source, pairs.sources, i),
                               words = part(pairs.words, pairs.targets, i),
                               next = part(pairs.next_words, pairs.targets, i);
    const std::vector<int64_t> sources = {0, static_cast<int64_t>(source.size())},
                               targets = {0, static_cast<int64_t>(words.size())};
    sum += model.loss({source, sources, words, next, targets}, 0.1, pass);
  }
  EXPECT_NEAR(model.loss(pairs.batch(), 0.1, pass), sum, 1e-10);
}

TEST(TranslationModel, TheNumberOfWorkersDoesNotChangeABit) {
  const TinyPairs pairs;
  const std::unique_ptr<Executor> many = make_thread_executor(3);
  std::vector<float> gradients[2];
  double losses[2];
  for (const bool shared : {false, true}) {
    TranslationModel<float> model = tiny_model<float>(NormPlacement::kPre, 0.2);
    zero_gradients(model.parameters());
    Arena arena;
    Pass pass(arena, shared ? *many : serial_executor(), RandomKey(9));
    losses[shared] = model.learn(pairs.batch(), 0.1, 1.0, pass);
    for (Parameter<float>* p : model.parameters()) {
      const std::span<float> values = p->gradient().values();
      gradients[shared].insert(gradients[shared].end(), values.begin(), values.end());
    }
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(gradients[0], gradients[1]);
}

}  // namespace
}  // namespace attend::testing
