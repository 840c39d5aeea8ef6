// What the engine refuses is never taken for an answer: every number that it was to write is NaN.
#include "nn/call_attention.h"

#include "attention/sizes.h"
#include "nn/layer_testing.h"
#include "nn/packed_attention.h"
#include "nn/shared_attention.h"

namespace attend::testing {
namespace {

constexpr int64_t kRows = 3, kTooWide = kWidestRow + 8;
const std::vector<int64_t> kOneSequence = {0, kRows}, kThreeSequences = {0, 1, 2, kRows};

template <class T>
void expect_all(ConstMatrix<T> m, bool nan, const std::string& what) {
  for (int64_t i = 0; i < m.size(); ++i) ASSERT_EQ(std::isnan(m.data[i]), nan) << what << " element " << i;
}

template <class T>
class CallAttention : public ::testing::Test {
 protected:
  Matrix<T> ones(int64_t rows, int64_t cols) {
    const Matrix<T> m = arena.matrix<T>(rows, cols);
    std::ranges::fill(m.values(), T{1});
    return m;
  }
  Arena arena;
  Pass pass{arena, serial_executor()};
};
using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CallAttention, BothTypes);

TYPED_TEST(CallAttention, PackedSequencesOfHeadsTooWideAreNotANumber) {
  using T = TypeParam;
  for (const int64_t width : {kWidestRow, kTooWide}) {
    for (const std::vector<int64_t>& offsets : {kOneSequence, kThreeSequences}) {
      const Matrix<T> x = this->ones(kRows, width), output = this->ones(kRows, width),
                      lse = this->ones(kRows, 1);
      const PackedLayout layout{offsets, offsets, 1, width};
      packed_attention<T>({{x, 0}, {x, 0}, {x, 0}, {output, 0}, lse, {}}, layout, this->pass);
      expect_all<T>(output, width == kTooWide, "output");
      expect_all<T>(lse, width == kTooWide, "lse");
      const Matrix<T> dquery = this->ones(kRows, width), dkey = this->ones(kRows, width),
                      dvalue = this->ones(kRows, width);
      packed_attention_backward<T>(
          {{x, 0}, {x, 0}, {x, 0}, {output, 0}, lse, {x, 0}, {dquery, 0}, {dkey, 0}, {dvalue, 0}}, layout,
          this->pass);
      for (const Matrix<T>& gradient : {dquery, dkey, dvalue})
        expect_all<T>(gradient, width == kTooWide, "gradient");
    }
  }
}

TYPED_TEST(CallAttention, AStepOfHeadsTooWideIsNotANumber) {
  using T = TypeParam;
  for (const int heads : {1, 2}) {
    SelfAttention<T> layer("attention", kTooWide, heads);
    KeyValueCache<T> cache(1, 1, kTooWide);
    expect_all<T>(layer.step(this->ones(1, kTooWide), cache, this->pass), heads == 1, "output");
  }
}

TEST(SharedAttention, OfHeadsTooWideIsNotANumber) {
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> x = random_matrix<float>(arena, kRows, kTooWide, 1);
  const Matrix<float> weights = random_matrix<float>(arena, kRows, kRows, 2);
  expect_all<float>(attend_to_shared(x, x, x, {1, 1}, pass, {{}, weights}), true, "output");
  expect_all<float>(weights, true, "weights");
  expect_all<float>(attend_to_shared(x, x, x, {2, 1}, pass), false, "output");
}

}  // namespace
}  // namespace attend::testing
