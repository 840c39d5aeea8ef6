// Row by row with a cache gives what the whole sequence at once gives; beams survive, fork and die.
#include "nn/layer_testing.h"
#include "nn/transformer_block.h"

namespace attend::testing {
namespace {

template <class T>
class Decoding : public ::testing::Test {
 protected:
  static constexpr int64_t kWidth = 12;
  static constexpr double kTolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  Arena arena;
  Pass pass{arena, serial_executor()};
};
using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Decoding, BothTypes);

TYPED_TEST(Decoding, AStepIsARowOfForward) {
  using T = TypeParam;
  constexpr int64_t kWidth = 12, kLength = 7;
  const std::vector<int64_t> captions = {0, 7, 14, 21}, photos = {0, 14, 21}, patches = {0, 5, 9};
  const std::vector<int64_t> beams = {0, 2, 3};  // two rows of the first photo, one of the second
  for (const auto& [name, kind] : kMemoryAttentions) {
    SCOPED_TRACE(name);
    const NormPlacement norm =
        kind == MemoryAttentionKind::kTanh ? NormPlacement::kPost : NormPlacement::kPre;  // either, once
    DecoderBlock<T> block(
        "block",
        {.width = kWidth, .heads = 3, .hidden = 20, .norm = norm, .dropout = 0.5, .cross_attention = kind});
    ParameterList<T> parameters;
    block.collect(parameters);
    randomize(parameters);
    const Matrix<T> x = random_matrix<T>(this->arena, 3 * kLength, kWidth, 1);
    const Matrix<T> memory_rows = random_matrix<T>(this->arena, 9, kWidth, 2);
    const KeyValues<T> memory = block.cross_attention.project(memory_rows, memory_rows, patches, this->pass);
    const Matrix<T> weights = this->arena.template matrix<T>(3 * kLength, 5);
    const Matrix<T> whole = block.forward(x, {captions, photos}, memory, this->pass, nullptr, weights);

    KeyValueCache<T> cache(3, kLength, kWidth);
    const Matrix<T> row = this->arena.template matrix<T>(3, kWidth);
    const Matrix<T> row_weights = this->arena.template matrix<T>(3, 5);
    for (int64_t t = 0; t < kLength; ++t) {
      for (int64_t s = 0; s < 3; ++s) std::copy_n(x.row(s * kLength + t).data(), kWidth, row.row(s).data());
      const Matrix<T> y = block.step(row, beams, memory, cache, this->pass, row_weights);
      for (int64_t s = 0; s < 3; ++s) {
        const int64_t r = s * kLength + t;
        expect_near(y.slice(s, 1), whole.slice(r, 1), this->kTolerance, "row");
        expect_near(row_weights.slice(s, 1), weights.slice(r, 1), this->kTolerance, "weights");
      }
    }
    EXPECT_EQ(cache.length(), kLength);
  }
}

TYPED_TEST(Decoding, WeightsOfARowSumToOneAndStopAtItsOwnMemory) {
  using T = TypeParam;
  CrossAttention<T> layer("attention", 12, 3);
  ParameterList<T> parameters;
  layer.collect(parameters);
  randomize(parameters);
  const std::vector<int64_t> rows = {0, 1, 3}, patches = {0, 4, 13};
  const Matrix<T> memory_rows = random_matrix<T>(this->arena, 13, 12, 2);
  const KeyValues<T> memory = layer.project(memory_rows, memory_rows, patches, this->pass);
  const Matrix<T> weights = this->arena.template matrix<T>(3, 9);
  layer.forward(random_matrix<T>(this->arena, 3, 12, 1), rows, memory, this->pass, nullptr, weights);
  for (int64_t r = 0; r < 3; ++r) {
    double sum = 0.0;
    for (const T weight : weights.row(r)) sum += static_cast<double>(weight);
    EXPECT_NEAR(sum, 1.0, 1e-6);
  }
  for (size_t j = 4; j < 9; ++j) EXPECT_EQ(weights.row(0)[j], T{0});
}

TYPED_TEST(Decoding, AQueryWithNothingToLookAtAttendsToZero) {
  using T = TypeParam;
  CrossAttention<T> layer("attention", 12, 3);
  ParameterList<T> parameters;
  layer.collect(parameters);
  randomize(parameters);
  const std::vector<int64_t> rows = {0, 2, 3}, patches = {0, 0, 4};
  const Matrix<T> memory_rows = random_matrix<T>(this->arena, 4, 12, 2);
  const KeyValues<T> memory = layer.project(memory_rows, memory_rows, patches, this->pass);
  const Matrix<T> weights = this->arena.template matrix<T>(3, 4);
  typename CrossAttention<T>::Activations a;
  const Matrix<T> x = random_matrix<T>(this->arena, 3, 12, 1), dy = random_matrix<T>(this->arena, 3, 12, 3);
  const Matrix<T> y = layer.forward(x, rows, memory, this->pass, &a, weights);
  for (int64_t r = 0; r < 2; ++r) {
    expect_same_bits<T>(y.slice(r, 1), layer.out.bias.value(), "nothing but the bias");
    for (const T weight : weights.row(r)) EXPECT_EQ(weight, T{0});
  }
  const typename CrossAttention<T>::MemoryGradient dmemory{this->arena.template matrix<T>(4, 12),
                                                           this->arena.template matrix<T>(4, 12)};
  const Matrix<T> dx = layer.backward(a, memory, dy, dmemory, this->pass);
  for (const T value : dx.slice(0, 2).values()) EXPECT_EQ(value, T{0});
  for (const T value : dmemory.keys.values()) EXPECT_TRUE(std::isfinite(value));
}

TYPED_TEST(Decoding, NoRowsGiveNoRows) {
  using T = TypeParam;
  DecoderBlock<T> block("block", {.width = 12, .heads = 3, .hidden = 20});
  const std::vector<int64_t> none = {0}, nobody = {0, 0}, patches = {0, 4};
  const Matrix<T> memory_rows = random_matrix<T>(this->arena, 4, 12, 2);
  const KeyValues<T> memory = block.cross_attention.project(memory_rows, memory_rows, patches, this->pass);
  typename DecoderBlock<T>::Activations a;
  const Matrix<T> x = this->arena.template matrix<T>(0, 12);
  EXPECT_EQ(block.forward(x, {none, nobody}, memory, this->pass, &a).rows, 0);
  const typename CrossAttention<T>::MemoryGradient dmemory{random_matrix<T>(this->arena, 4, 12, 1),
                                                           random_matrix<T>(this->arena, 4, 12, 2)};
  EXPECT_EQ(block.backward(a, memory, x, dmemory, this->pass).rows, 0);
  for (const T value : dmemory.keys.values()) EXPECT_EQ(value, T{0});
  for (const T value : dmemory.values.values()) EXPECT_EQ(value, T{0});
}

TYPED_TEST(Decoding, ABeamGoesOnFromItsParent) {
  using T = TypeParam;
  SelfAttention<T> layer("attention", 12, 2);
  ParameterList<T> parameters;
  layer.collect(parameters);
  randomize(parameters);
  // Three sequences say two words; then sequence 2 forks and sequence 0 dies.
  const Matrix<T> first = random_matrix<T>(this->arena, 3, 12, 1),
                  second = random_matrix<T>(this->arena, 3, 12, 2);
  const Matrix<T> third = random_matrix<T>(this->arena, 3, 12, 3);
  const std::vector<int32_t> parents = {2, 1, 2};
  KeyValueCache<T> cache(3, 4, 12);
  layer.step(first, cache, this->pass);
  layer.step(second, cache, this->pass);
  cache.reorder(parents);
  const Matrix<T> y = layer.step(third, cache, this->pass);

  for (int64_t s = 0; s < 3; ++s) {
    const int64_t parent = parents[static_cast<size_t>(s)];
    const Matrix<T> said = this->arena.template matrix<T>(3, 12);
    std::copy_n(first.row(parent).data(), 12, said.row(0).data());
    std::copy_n(second.row(parent).data(), 12, said.row(1).data());
    std::copy_n(third.row(s).data(), 12, said.row(2).data());
    const std::vector<int64_t> offsets = {0, 3};
    const Matrix<T> whole = layer.forward(said, offsets, Causal::kUpperLeft, this->pass, nullptr);
    expect_near(y.slice(s, 1), whole.slice(2, 1), this->kTolerance, "beam");
  }
}

TEST(KeyValueCache, ShrinksAndGrowsWithinItsRoom) {
  KeyValueCache<float> cache(4, 2, 1);
  for (int64_t s = 0; s < 4; ++s) {
    cache.next_key(s)[0] = static_cast<float>(s);
    cache.next_value(s)[0] = static_cast<float>(10 * s);
  }
  cache.advance();
  cache.reorder(std::vector<int32_t>{0, 1, 2, 3});  // nobody moves
  EXPECT_EQ(cache.sequences(), 4);
  EXPECT_EQ(cache.keys()[3 * cache.capacity()], 3.0f);
  cache.reorder(std::vector<int32_t>{3, 1});
  EXPECT_EQ(cache.sequences(), 2);
  cache.reorder(std::vector<int32_t>{1, 0, 0, 1});
  EXPECT_EQ(cache.sequences(), 4);
  EXPECT_EQ(cache.length(), 1);
  const float keys[] = {1.0f, 3.0f, 3.0f, 1.0f};
  for (int64_t s = 0; s < 4; ++s) {
    EXPECT_EQ(cache.keys()[s * cache.capacity()], keys[s]);
    EXPECT_EQ(cache.values()[s * cache.capacity()], 10.0f * keys[s]);
  }
}

}  // namespace
}  // namespace attend::testing
