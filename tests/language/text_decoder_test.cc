#include "language/text_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "nn/layer_testing.h"

namespace attend {
namespace {

using namespace testing;

/// A decoder over two memories of four rows each; captions 0 and 1 look at the first, 2 at the second.
class ATextDecoder : public ::testing::TestWithParam<NormPlacement> {
 protected:
  ATextDecoder() : decoder_("text", shape()), pass_(arena_, serial_executor()) {
    ParameterList<double> parameters;
    decoder_.collect(parameters);
    randomize(parameters);
    keys_ = random_matrix<double>(arena_, 8, 8, 1);
    values_ = random_matrix<double>(arena_, 8, 8, 2);
  }

  static TextDecoderShape shape() {
    const BlockShape block = {.width = 8, .heads = 2, .hidden = 16, .norm = GetParam()};
    return {.vocabulary = 13, .max_length = 6, .layers = 2, .block = block};
  }

  Matrix<double> logits() {
    const TextDecoder<double>::Memory memory = decoder_.remember(keys_, values_, memory_rows_, pass_);
    return decoder_.forward(words_, {captions_, groups_}, memory, pass_, nullptr);
  }

  /// Rows [first, first + count) of a and b have the same bits; all others differ somewhere.
  static void expect_only_others_changed(ConstMatrix<double> a, ConstMatrix<double> b, int64_t first,
                                         int64_t count) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const bool same = std::ranges::equal(a.row(r), b.row(r));
      EXPECT_EQ(same, r >= first && r < first + count) << "row " << r;
    }
  }

  Arena arena_;
  TextDecoder<double> decoder_;
  Pass pass_;
  Matrix<double> keys_, values_;  // what the keys and the values are made of
  std::vector<int64_t> memory_rows_ = {0, 4, 8}, captions_ = {0, 3, 8, 12}, groups_ = {0, 8, 12};
  std::vector<int32_t> words_ = {0, 5, 9, 0, 3, 3, 7, 12, 0, 4, 11, 6};
};

INSTANTIATE_TEST_SUITE_P(NormPlacements, ATextDecoder,
                         ::testing::Values(NormPlacement::kPre, NormPlacement::kPost));

TEST_P(ATextDecoder, NoWordSeesTheWordsAfterIt) {
  const Matrix<double> before = logits();
  words_[6] = 10;  // the fourth word of the second caption
  const Matrix<double> after = logits();
  for (int64_t r = 0; r < 12; ++r) {
    EXPECT_EQ(std::ranges::equal(before.row(r), after.row(r)), r != 6 && r != 7) << "row " << r;
  }
}

TEST_P(ATextDecoder, APhotosMemoryReachesItsOwnCaptionsAlone) {
  const Matrix<double> before = logits();
  keys_.row(5)[2] += 0.5;
  expect_only_others_changed(before, logits(), 0, 8);
  keys_.row(5)[2] -= 0.5;
  values_.row(1)[0] += 0.5;
  expect_only_others_changed(before, logits(), 8, 4);
}

TEST_P(ATextDecoder, NotANumberInOnePhotoLeavesTheOthersAlone) {
  const Matrix<double> before = logits();
  for (double& x : keys_.slice(4, 4).values()) x = std::numeric_limits<double>::quiet_NaN();
  for (double& x : values_.slice(4, 4).values()) x = std::numeric_limits<double>::quiet_NaN();
  const Matrix<double> after = logits();
  expect_same_bits<double>(before.slice(0, 8), after.slice(0, 8), "captions of the first photo");
  for (const double x : after.slice(8, 4).values()) EXPECT_TRUE(std::isnan(x));
}

TEST_P(ATextDecoder, PositionsCountFromTheStartOfEachCaption) {
  // The same words at other rows, behind a caption of another length, give the same logits.
  const Matrix<double> before = logits();
  words_ = {0, 5, 0, 5, 9, 0, 4, 11, 6};
  captions_ = {0, 2, 5, 9};
  groups_ = {0, 5, 9};
  const Matrix<double> after = logits();
  expect_near(after.slice(2, 3), before.slice(0, 3), 1e-12, "first caption");
  expect_near(after.slice(5, 4), before.slice(8, 4), 1e-12, "last caption");
}

TEST_P(ATextDecoder, StepsLookWithWeightsThatSumToOneAndGiveTheLogitsOfAllAtOnce) {
  const Matrix<double> whole = logits();
  const TextDecoder<double>::Memory memory = decoder_.remember(keys_, values_, memory_rows_, pass_);
  std::vector<KeyValueCache<double>> caches;
  for (int layer = 0; layer < 2; ++layer) caches.emplace_back(3, 6, 8);
  const std::vector<int64_t> groups = {0, 2, 3};
  for (size_t t = 0; t < 3; ++t) {
    const std::vector<int32_t> words = {words_[t], words_[3 + t], words_[8 + t]};
    const Matrix<double> weights = arena_.matrix<double>(3, 4);
    std::ranges::fill(weights.values(), std::numeric_limits<double>::quiet_NaN());
    const Matrix<double> step = decoder_.step(words, groups, memory, caches, pass_, weights);
    for (int64_t c = 0; c < 3; ++c) {
      const int64_t row = captions_[static_cast<size_t>(c)] + static_cast<int64_t>(t);
      expect_near(step.slice(c, 1), whole.slice(row, 1), 1e-12, "logits");
      double sum = 0;
      for (const double w : weights.row(c)) sum += w;
      EXPECT_NEAR(sum, 1, 1e-12);
    }
  }
}

TEST_P(ATextDecoder, GradientsOfTheMemoryAreTheSlopesOfTheLoss) {
  const Matrix<double> dlogits = random_matrix<double>(arena_, 12, 13, 7);
  const TextDecoder<double>::Memory memory = decoder_.remember(keys_, values_, memory_rows_, pass_);
  TextDecoder<double>::Activations activations;
  decoder_.forward(words_, {captions_, groups_}, memory, pass_, &activations);
  const auto gradient = decoder_.backward(activations, keys_, values_, memory, dlogits, pass_);
  const auto loss = [&] {
    const Arena::Mark mark(arena_);
    return dot<double>(logits(), dlogits);
  };
  expect_gradient(keys_, gradient.key_input, loss, "key_input");
  expect_gradient(values_, gradient.value_input, loss, "value_input");
}

}  // namespace
}  // namespace attend
