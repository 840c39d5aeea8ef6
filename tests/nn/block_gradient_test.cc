// The gradients of attention layers and whole Transformer blocks by finite differences, in double: packed
// ragged sequences, cross-attention to a shared memory, dropout, both norm placements.
#include "nn/layer_testing.h"
#include "nn/transformer_block.h"

namespace attend::testing {
namespace {

using Memory = KeyValues<double>;
using MemoryGradient = CrossAttention<double>::MemoryGradient;

constexpr int64_t kWidth = 6;

class BlockGradient : public GradientTest {
 protected:
  Pass pass_over(Arena& arena) override { return Pass(arena, serial_executor(), RandomKey(77)); }
};

TEST_F(BlockGradient, OfSelfAttentionOverRaggedSequences) {
  const std::vector<int64_t> offsets = {0, 4, 4, 5, 8, 11};  // one of them empty, two alike
  for (const Causal causal : {Causal::kNone, Causal::kUpperLeft}) {
    SelfAttention<double> layer("attention", kWidth, 2);
    const ParameterList<double> parameters = randomized(layer);
    const Matrix<double> x = random(11, kWidth, 1), dy = random(11, kWidth, 2);
    const auto value = [&] {
      return loss(dy, [&](Pass& p) { return layer.forward(x, offsets, causal, p, nullptr); });
    };
    Pass pass = pass_over(kept);
    SelfAttention<double>::Activations a;
    layer.forward(x, offsets, causal, pass, &a);
    expect_gradient(x, layer.backward(a, dy, pass), value, "x");
    expect_parameter_gradients(parameters, value);
  }
}

TEST_F(BlockGradient, OfCrossAttentionWhoseKeysAndValuesAreMadeOfDifferentThings) {
  const std::vector<int64_t> queries = {0, 3, 3, 7},
                             keys = {0, 4, 6, 9};  // nobody looks at the second memory
  CrossAttention<double> layer("attention", kWidth, 3);
  const ParameterList<double> parameters = randomized(layer);
  const Matrix<double> x = random(7, kWidth, 1), dy = random(7, kWidth, 2);
  const Matrix<double> key_input = random(9, kWidth, 3), value_input = random(9, kWidth, 4);
  const auto value = [&] {
    return loss(dy, [&](Pass& p) {
      return layer.forward(x, queries, layer.project(key_input, value_input, keys, p), p, nullptr);
    });
  };
  Pass pass = pass_over(kept);
  CrossAttention<double>::Activations a;
  const Memory memory = layer.project(key_input, value_input, keys, pass);
  layer.forward(x, queries, memory, pass, &a);
  const MemoryGradient dmemory{kept.matrix<double>(9, kWidth), kept.matrix<double>(9, kWidth)};
  std::fill_n(dmemory.keys.data, dmemory.keys.size(), std::nan(""));  // it is overwritten, not added to
  std::fill_n(dmemory.values.data, dmemory.values.size(), std::nan(""));
  expect_gradient(x, layer.backward(a, memory, dy, dmemory, pass), value, "x");
  const auto dinput = layer.project_backward(key_input, value_input, dmemory, pass);
  expect_gradient(key_input, dinput.key_input, value, "key input");
  expect_gradient(value_input, dinput.value_input, value, "value input");
  expect_parameter_gradients(parameters, value);
}

struct BlockCase {
  NormPlacement norm;
  double dropout;
};

class WholeBlockGradient : public BlockGradient, public ::testing::WithParamInterface<BlockCase> {
 protected:
  BlockShape shape() const {
    return {
        .width = kWidth, .heads = 2, .hidden = 10, .norm = GetParam().norm, .dropout = GetParam().dropout};
  }
};

TEST_P(WholeBlockGradient, OfAnEncoderBlock) {
  const std::vector<int64_t> offsets = {0, 4, 5, 9};
  EncoderBlock<double> block("block", shape());
  const ParameterList<double> parameters = randomized(block);
  const Matrix<double> x = random(9, kWidth, 1), dy = random(9, kWidth, 2);
  const auto value = [&] {
    return loss(dy, [&](Pass& p) { return block.forward(x, offsets, Causal::kNone, p, nullptr); });
  };
  Pass pass = pass_over(kept);
  EncoderBlock<double>::Activations a;
  block.forward(x, offsets, Causal::kNone, pass, &a);
  EXPECT_EQ(a.dropout1.active, GetParam().dropout > 0);
  expect_gradient(x, block.backward(a, dy, pass), value, "x");
  expect_parameter_gradients(parameters, value);
}

TEST_P(WholeBlockGradient, OfADecoderBlock) {
  const std::vector<int64_t> captions = {0, 3, 5, 9}, photos = {0, 5, 9}, patches = {0, 4, 7};
  DecoderBlock<double> block("block", shape());
  const ParameterList<double> parameters = randomized(block);
  const Matrix<double> x = random(9, kWidth, 1), dy = random(9, kWidth, 2);
  const Matrix<double> key_input = random(7, kWidth, 3), value_input = random(7, kWidth, 4);
  const auto project = [&](Pass& p) {
    return block.cross_attention.project(key_input, value_input, patches, p);
  };
  const auto value = [&] {
    return loss(dy, [&](Pass& p) { return block.forward(x, {captions, photos}, project(p), p, nullptr); });
  };
  Pass pass = pass_over(kept);
  DecoderBlock<double>::Activations a;
  const Memory memory = project(pass);
  block.forward(x, {captions, photos}, memory, pass, &a);
  const MemoryGradient dmemory{kept.matrix<double>(7, kWidth), kept.matrix<double>(7, kWidth)};
  expect_gradient(x, block.backward(a, memory, dy, dmemory, pass), value, "x");
  const auto dinput = block.cross_attention.project_backward(key_input, value_input, dmemory, pass);
  expect_gradient(key_input, dinput.key_input, value, "key input");
  expect_gradient(value_input, dinput.value_input, value, "value input");
  expect_parameter_gradients(parameters, value);
}

INSTANTIATE_TEST_SUITE_P(NormAndDropout, WholeBlockGradient,
                         ::testing::Values(BlockCase{NormPlacement::kPre, 0.0},
                                           BlockCase{NormPlacement::kPre, 0.4},
                                           BlockCase{NormPlacement::kPost, 0.0},
                                           BlockCase{NormPlacement::kPost, 0.4}),
                         [](const auto& info) {
                           return std::string(info.param.norm == NormPlacement::kPre ? "Pre" : "Post") +
                                  (info.param.dropout > 0 ? "WithDropout" : "WithoutDropout");
                         });

}  // namespace
}  // namespace attend::testing
