// Forward and backward of every layer against PyTorch, in both precisions.
#include "nn/golden.h"

#include "nn/cross_entropy.h"
#include "nn/embedding.h"
#include "nn/gelu.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/transformer_block.h"

namespace attend::testing {
namespace {

template <class T>
class NnGolden : public ::testing::Test {
 protected:
  Matrix<T> get(const std::string& name) { return golden.matrix<T>(name, arena); }
  void expect(ConstMatrix<T> actual, const std::string& name) {
    expect_near(actual, ConstMatrix<T>(get(name)), kTolerance, name);
  }
  // Loads the parameters of `layer`, and hands them back for expect_gradients().
  template <class Layer>
  ParameterList<T> load(Layer& layer) {
    ParameterList<T> list;
    layer.collect(list);
    golden.load(list, arena);
    return list;
  }

  static constexpr double kTolerance = kGoldenTolerance<T>;
  Golden golden;
  Arena arena;
  Pass pass{arena, serial_executor()};
};
TYPED_TEST_SUITE(NnGolden, BothTypes);

TYPED_TEST(NnGolden, LinearIsPyTorchs) {
  using T = TypeParam;
  Linear<T> layer("linear", 7, 5);
  const ParameterList<T> parameters = this->load(layer);
  const Matrix<T> x = this->get("linear.x");
  this->expect(layer.forward(x, this->pass), "linear.y");
  this->expect(layer.backward(x, this->get("linear.dy"), this->pass), "linear.dx");
  this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
}

TYPED_TEST(NnGolden, LayerNormIsPyTorchs) {
  using T = TypeParam;
  LayerNorm<T> layer("layer_norm", 9);
  const ParameterList<T> parameters = this->load(layer);
  typename LayerNorm<T>::Activations activations;
  this->expect(layer.forward(this->get("layer_norm.x"), this->pass, &activations), "layer_norm.y");
  this->expect(layer.backward(activations, this->get("layer_norm.dy"), this->pass), "layer_norm.dx");
  this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
}

TYPED_TEST(NnGolden, GeluIsPyTorchs) {
  using T = TypeParam;
  const Matrix<T> x = this->get("gelu.x");
  this->expect(gelu<T>(x, this->pass), "gelu.y");
  this->expect(gelu_backward<T>(x, this->get("gelu.dy"), this->pass), "gelu.dx");
}

TYPED_TEST(NnGolden, EmbeddingAndTiedOutputArePyTorchs) {
  using T = TypeParam;
  Embedding<T> layer("embedding", 11, 6, 1.0);
  const ParameterList<T> parameters = this->load(layer);
  const std::vector<int32_t> ids = this->golden.template integers<T>("embedding.ids", this->arena);
  const Matrix<T> y = layer.forward(ids, this->pass);
  this->expect(y, "embedding.y");
  this->expect(layer.logits(y, this->pass), "embedding.logits");
  layer.backward(ids, layer.logits_backward(y, this->get("embedding.dlogits"), this->pass), this->pass);
  this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
}

TYPED_TEST(NnGolden, CrossEntropyIsPyTorchs) {
  using T = TypeParam;
  for (const auto& [name, smoothing] : {std::pair{"cross_entropy", 0.0}, {"smoothed_cross_entropy", 0.1}}) {
    const std::string prefix = std::string(name) + ".";
    const Matrix<T> logits = this->get(prefix + "x");
    const std::vector<int32_t> classes = this->golden.template integers<T>(prefix + "classes", this->arena);
    std::vector<float> weights;
    for (const T weight : this->get(prefix + "weights").values())
      weights.push_back(static_cast<float>(weight));
    const double loss = cross_entropy(logits, Targets{classes, weights}, smoothing, 0.125, this->pass);
    const double expected = static_cast<double>(this->get(prefix + "y").data[0]);
    EXPECT_NEAR(loss, expected, this->kTolerance * std::abs(expected)) << name;
    this->expect(logits, prefix + "dx");
  }
}

TYPED_TEST(NnGolden, SelfAttentionIsPyTorchs) {
  using T = TypeParam;
  const std::vector<int64_t> offsets = {0, 5, 6, 9, 12};
  for (const auto& [name, causal] :
       {std::pair{"self_attention", Causal::kNone}, {"causal_self_attention", Causal::kUpperLeft}}) {
    const std::string prefix = name;
    SelfAttention<T> layer(prefix + ".attention", 8, 2);
    const ParameterList<T> parameters = this->load(layer);
    typename SelfAttention<T>::Activations a;
    this->expect(layer.forward(this->get(prefix + ".x"), offsets, causal, this->pass, &a), prefix + ".y");
    this->expect(layer.backward(a, this->get(prefix + ".dy"), this->pass), prefix + ".dx");
    this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
  }
}

TYPED_TEST(NnGolden, CrossAttentionAndItsWeightsArePyTorchs) {
  using T = TypeParam;
  const std::vector<int64_t> queries = {0, 4, 6, 11}, keys = {0, 6, 9, 12};
  CrossAttention<T> layer("cross_attention.attention", 8, 2);
  const ParameterList<T> parameters = this->load(layer);
  const Matrix<T> memory = this->get("cross_attention.memory");
  const KeyValues<T> projected = layer.project(memory, memory, keys, this->pass);
  typename CrossAttention<T>::Activations a;
  const Matrix<T> weights = this->arena.template matrix<T>(11, 6);
  std::fill_n(weights.data, weights.size(), std::numeric_limits<T>::quiet_NaN());
  const Matrix<T> x = this->get("cross_attention.x");
  this->expect(layer.forward(x, queries, projected, this->pass, &a, weights), "cross_attention.y");
  this->expect(weights, "cross_attention.weights");

  const typename CrossAttention<T>::MemoryGradient dprojected{this->arena.template matrix<T>(12, 8),
                                                              this->arena.template matrix<T>(12, 8)};
  const Matrix<T> dy = this->get("cross_attention.dy");
  this->expect(layer.backward(a, projected, dy, dprojected, this->pass), "cross_attention.dx");
  const auto dmemory = layer.project_backward(memory, memory, dprojected, this->pass);
  for (int64_t i = 0; i < memory.size(); ++i) dmemory.key_input.data[i] += dmemory.value_input.data[i];
  this->expect(dmemory.key_input, "cross_attention.dmemory");
  this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
}

TYPED_TEST(NnGolden, EncoderBlockIsPyTorchs) {
  using T = TypeParam;
  const std::vector<int64_t> offsets = {0, 5, 8};
  for (const NormPlacement norm : {NormPlacement::kPre, NormPlacement::kPost}) {
    const bool pre = norm == NormPlacement::kPre;
    const std::string name = pre ? "pre_encoder" : "post_encoder";
    EncoderBlock<T> block(name, {.width = 8, .heads = 2, .hidden = 12, .norm = norm});
    const ParameterList<T> parameters = this->load(block);
    typename EncoderBlock<T>::Activations a;
    const Causal causal = pre ? Causal::kNone : Causal::kUpperLeft;
    this->expect(block.forward(this->get(name + ".x"), offsets, causal, this->pass, &a), name + ".y");
    this->expect(block.backward(a, this->get(name + ".dy"), this->pass), name + ".dx");
    this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
  }
}

TYPED_TEST(NnGolden, DecoderBlockIsPyTorchs) {
  using T = TypeParam;
  const std::vector<int64_t> captions = {0, 3, 7, 12}, photos = {0, 7, 12}, patches = {0, 4, 10};
  for (const NormPlacement norm : {NormPlacement::kPre, NormPlacement::kPost}) {
    const std::string name = norm == NormPlacement::kPre ? "pre_decoder" : "post_decoder";
    DecoderBlock<T> block(name, {.width = 8, .heads = 2, .hidden = 12, .norm = norm});
    const ParameterList<T> parameters = this->load(block);
    const Matrix<T> memory = this->get(name + ".memory");
    const KeyValues<T> projected = block.cross_attention.project(memory, memory, patches, this->pass);
    typename DecoderBlock<T>::Activations a;
    const Matrix<T> x = this->get(name + ".x");
    this->expect(block.forward(x, {captions, photos}, projected, this->pass, &a), name + ".y");
    const typename CrossAttention<T>::MemoryGradient dprojected{this->arena.template matrix<T>(10, 8),
                                                                this->arena.template matrix<T>(10, 8)};
    this->expect(block.backward(a, projected, this->get(name + ".dy"), dprojected, this->pass), name + ".dx");
    const auto dmemory = block.cross_attention.project_backward(memory, memory, dprojected, this->pass);
    for (int64_t i = 0; i < memory.size(); ++i) dmemory.key_input.data[i] += dmemory.value_input.data[i];
    this->expect(dmemory.key_input, name + ".dmemory");
    this->golden.expect_gradients(parameters, this->kTolerance, this->arena);
  }
}

}  // namespace
}  // namespace attend::testing
