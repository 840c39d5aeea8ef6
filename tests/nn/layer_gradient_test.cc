// The gradients of single layers by finite differences, in double.
#include "nn/cross_entropy.h"
#include "nn/embedding.h"
#include "nn/feed_forward.h"
#include "nn/gelu.h"
#include "nn/layer_norm.h"
#include "nn/layer_testing.h"
#include "nn/linear.h"

namespace attend::testing {
namespace {

class LayerGradient : public GradientTest {
 protected:
  Pass pass = pass_over(kept);
};

TEST_F(LayerGradient, OfLinearWithBias) {
  Linear<double> layer("linear", 7, 5);
  const ParameterList<double> parameters = randomized(layer);
  const Matrix<double> x = random(6, 7, 1), dy = random(6, 5, 2);
  const auto value = [&] { return loss(dy, [&](Pass& p) { return layer.forward(x, p); }); };
  const Matrix<double> dx = layer.backward(x, dy, pass);
  expect_gradient(x, dx, value, "x");
  expect_parameter_gradients(parameters, value);
}

TEST_F(LayerGradient, OfLinearWithoutBiasOrInputGradient) {
  Linear<double> layer("linear", 3, 9, Linear<double>::Bias::kNo);
  const ParameterList<double> parameters = randomized(layer);
  ASSERT_EQ(parameters.size(), 1u);
  const Matrix<double> x = random(4, 3, 1), dy = random(4, 9, 2);
  layer.backward_parameters(x, dy, pass);
  expect_parameter_gradients(parameters,
                             [&] { return loss(dy, [&](Pass& p) { return layer.forward(x, p); }); });
}

TEST_F(LayerGradient, OfLayerNorm) {
  LayerNorm<double> layer("norm", 9);
  const ParameterList<double> parameters = randomized(layer);
  const Matrix<double> x = random(5, 9, 1), dy = random(5, 9, 2);
  const auto value = [&] { return loss(dy, [&](Pass& p) { return layer.forward(x, p); }); };
  LayerNorm<double>::Activations a;
  layer.forward(x, pass, &a);
  expect_gradient(x, layer.backward(a, dy, pass), value, "x");
  expect_parameter_gradients(parameters, value);
}

TEST_F(LayerGradient, OfGelu) {
  const Matrix<double> x = random_matrix<double>(data, 7, 11, 1, 2.0), dy = random(7, 11, 2);
  const auto value = [&] { return loss(dy, [&](Pass& p) { return gelu<double>(x, p); }); };
  expect_gradient(x, gelu_backward<double>(x, dy, pass), value, "x");
}

TEST_F(LayerGradient, OfFeedForward) {
  FeedForward<double> layer("feed_forward", 5, 13);
  const ParameterList<double> parameters = randomized(layer);
  const Matrix<double> x = random(4, 5, 1), dy = random(4, 5, 2);
  const auto value = [&] { return loss(dy, [&](Pass& p) { return layer.forward(x, p, nullptr); }); };
  FeedForward<double>::Activations a;
  layer.forward(x, pass, &a);
  expect_gradient(x, layer.backward(a, dy, pass), value, "x");
  expect_parameter_gradients(parameters, value);
}

TEST_F(LayerGradient, OfEmbeddingThatIsItsOwnOutputLayer) {
  Embedding<double> layer("words", 10, 6, 1.0);
  const ParameterList<double> parameters = randomized(layer);
  const std::vector<int32_t> ids = {2, 9, 2, 0, 2};
  const Matrix<double> dlogits = random(5, 10, 2);
  const auto value = [&] {
    return loss(dlogits, [&](Pass& p) { return layer.logits(layer.forward(ids, p), p); });
  };
  const Matrix<double> y = layer.forward(ids, pass);
  layer.backward(ids, layer.logits_backward(y, dlogits, pass), pass);
  expect_parameter_gradients(parameters, value);
}

TEST_F(LayerGradient, OfCrossEntropyWithSmoothingAndWeightsOfBothSigns) {
  const Matrix<double> logits = random_matrix<double>(data, 5, 12, 1, 2.0);
  const std::vector<int32_t> classes = {3, 0, 11, 5, 5};
  const std::vector<float> weights = {1.0f, 0.5f, 0.0f, 2.0f, -0.75f};
  constexpr double kScale = 0.25;
  for (const double smoothing : {0.0, 0.1, 1.0}) {
    const auto loss_of_copy = [&](Matrix<double> copy) {
      std::copy_n(logits.data, logits.size(), copy.data);
      Pass p(activations, serial_executor());
      return kScale * cross_entropy(copy, {classes, weights}, smoothing, kScale, p);
    };
    const auto value = [&] {
      activations.reset();
      return loss_of_copy(activations.matrix<double>(5, 12));
    };
    const Matrix<double> gradient = data.matrix<double>(5, 12);
    loss_of_copy(gradient);
    expect_gradient(logits, gradient, value, "logits");
  }
}

TEST_F(LayerGradient, AccumulatesOverCallsUntilItIsZeroed) {
  Linear<double> layer("linear", 4, 3);
  const ParameterList<double> parameters = randomized(layer);
  const Matrix<double> x = random(5, 4, 1), dy = random(5, 3, 2);
  layer.backward(x, dy, pass);
  const std::vector<double> once(layer.weight.gradient().values().begin(),
                                 layer.weight.gradient().values().end());
  layer.backward(x, dy, pass);
  for (size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(layer.weight.gradient().data[i], 2.0 * once[i], 1e-12);
  zero_gradients(parameters);
  for (const double value : layer.weight.gradient().values()) EXPECT_EQ(value, 0.0);
  for (const double value : layer.bias.gradient().values()) EXPECT_EQ(value, 0.0);
}

}  // namespace
}  // namespace attend::testing
