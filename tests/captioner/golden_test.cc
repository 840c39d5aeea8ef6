// The small model of tests/golden/make_captioner.py: what PyTorch computes from the same numbers.
#include <gtest/gtest.h>

#include <cstring>

#include "captioner/caption_model.h"
#include "captioner/model_testing.h"
#include "checkpoint/safetensors.h"

namespace attend {
namespace {

using namespace testing;

template <class T>
class CaptionerGolden : public ::testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(T) == 4 ? 5e-5 : 1e-11;

  CaptionerGolden()
      : file_(Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/captioner.safetensors")), batch_(kept_) {
    EXPECT_TRUE(file_.ok()) << file_.status().message();
  }

  Matrix<T> golden(const std::string& name) {
    const CheckpointTensor& tensor = file_.value().tensors().at(name);
    EXPECT_EQ(tensor.dtype, "F64");
    const int64_t cols = tensor.shape.back();
    const Matrix<T> m = kept_.matrix<T>(tensor.shape.size() == 1 ? 1 : tensor.shape.front(), cols);
    for (int64_t i = 0; i < m.size(); ++i) {
      double value;
      std::memcpy(&value, tensor.bytes.data() + static_cast<size_t>(i) * sizeof(value), sizeof(value));
      m.data[i] = static_cast<T>(value);
    }
    return m;
  }

  void load(CaptionModel<T>& model) {
    for (Parameter<T>* parameter : model.parameters()) {
      const Matrix<T> value = golden(parameter->name());
      ASSERT_EQ(value.size(), parameter->size()) << parameter->name();
      std::ranges::copy(value.values(), parameter->value().data);
    }
    std::ranges::copy(golden("features").values(), batch_.features.data);
  }

  Arena kept_, arena_;
  Result<Safetensors> file_;
  TinyBatch<T> batch_;
};

using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CaptionerGolden, BothTypes);

TYPED_TEST(CaptionerGolden, ThePatchesAreWhatPyTorchMakesOfThem) {
  CaptionModel<TypeParam> model(tiny_shape());
  this->load(model);
  Pass pass(this->arena_, serial_executor());
  const auto photo = model.patches.forward(this->batch_.features, pass, nullptr);
  expect_near(photo.key_input, this->golden("key_input"), this->kTolerance, "key_input");
  expect_near(photo.value_input, this->golden("value_input"), this->kTolerance, "value_input");
}

TYPED_TEST(CaptionerGolden, TheLogitsAreWhatPyTorchComputes) {
  CaptionModel<TypeParam> model(tiny_shape());
  this->load(model);
  Pass pass(this->arena_, serial_executor());
  const auto photo = model.patches.forward(this->batch_.features, pass, nullptr);
  const auto memory = model.text.remember(photo.key_input, photo.value_input, photo.offsets, pass);
  const auto logits = model.text.forward(this->batch_.words, {this->batch_.captions, this->batch_.photos},
                                         memory, pass, nullptr);
  expect_near(logits, this->golden("logits"), this->kTolerance, "logits");
}

TYPED_TEST(CaptionerGolden, TheLossAndItsGradientsAreWhatPyTorchComputes) {
  CaptionModel<TypeParam> model(tiny_shape());
  this->load(model);
  const ParameterList<TypeParam> parameters = model.parameters();
  zero_gradients(parameters);
  Pass pass(this->arena_, serial_executor());
  const double expected = static_cast<double>(this->golden("loss").data[0]);
  EXPECT_NEAR(model.learn(this->batch_.view(), 0.1, 1.0, pass), expected, this->kTolerance * expected);
  for (Parameter<TypeParam>* parameter : parameters) {
    expect_near(parameter->gradient(), this->golden(parameter->name() + ".gradient"), this->kTolerance,
                parameter->name());
  }
}

TYPED_TEST(CaptionerGolden, StepByStepTheSameLogitsAndTheSameLook) {
  CaptionModel<TypeParam> model(tiny_shape());
  this->load(model);
  Pass pass(this->arena_, serial_executor());
  const auto photo = model.patches.forward(this->batch_.features, pass, nullptr);
  const auto memory = model.text.remember(photo.key_input, photo.value_input, photo.offsets, pass);
  // Captions 0 and 1 look at photo 0, caption 2 at photo 1; all have at least four words.
  std::vector<KeyValueCache<TypeParam>> caches;
  for (int layer = 0; layer < 2; ++layer) caches.emplace_back(3, 7, 8);
  const std::vector<int64_t> groups = {0, 2, 3};
  const auto logits = this->golden("logits"), look = this->golden("look");
  for (size_t t = 0; t < 4; ++t) {
    const std::vector<int32_t> words = {this->batch_.words[t], this->batch_.words[4 + t],
                                        this->batch_.words[10 + t]};
    const auto looked = this->arena_.template matrix<TypeParam>(3, 4);
    const auto step = model.text.step(words, groups, memory, caches, pass, looked);
    for (int64_t c = 0; c < 3; ++c) {
      const int64_t row = this->batch_.captions[static_cast<size_t>(c)] + static_cast<int64_t>(t);
      expect_near(step.slice(c, 1), logits.slice(row, 1), this->kTolerance, "logits");
      expect_near(looked.slice(c, 1), look.slice(row, 1), this->kTolerance, "look");
    }
  }
}

class LookAtGolden : public CaptionerGolden<float> {};

TEST_F(LookAtGolden, ASentenceUnderWayHasTheLogProbabilitiesOfTheWholeAndLooksWhereItLooked) {
  CaptionModel<float> model(tiny_shape());
  load(model);
  const std::unique_ptr<NextWord> next = look_at(model, batch_.features, serial_executor());
  ASSERT_EQ(next->prompts(), 2);
  ASSERT_EQ(next->vocabulary(), 11);
  EXPECT_EQ(next->most_words(), 6);
  const Matrix<float> logits = golden("logits"), look = golden("look");
  // One row a photo, then two for photo 0 that both come from its first, then the second of these alone,
  // while photo 1 stays one row and at last leaves.
  struct Step {
    std::vector<int32_t> parents, words;
    std::vector<int64_t> offsets, golden_rows;
  };
  const std::vector<Step> steps = {{{0, 0}, {0, 0}, {0, 1, 2}, {0, 10}},
                                   {{0, 0, 1}, {4, 7, 3}, {0, 2, 3}, {1, 5, 11}},
                                   {{1, 2}, {7, 8}, {0, 1, 2}, {6, 12}},
                                   {{0}, {5}, {0, 1, 1}, {7}}};
  for (const Step& step : steps) {
    const Matrix<float> scores = next->advance(step.parents, step.words, step.offsets);
    ASSERT_EQ(scores.rows, static_cast<int64_t>(step.words.size()));
    for (int64_t r = 0; r < scores.rows; ++r) {
      const int64_t row = step.golden_rows[static_cast<size_t>(r)];
      double sum = 0;
      for (const float x : logits.row(row)) sum += std::exp(static_cast<double>(x));
      for (int64_t w = 0; w < 11; ++w) {
        const size_t word = static_cast<size_t>(w);
        EXPECT_NEAR(scores.row(r)[word], logits.row(row)[word] - std::log(sum), 1e-4);
      }
      expect_near(next->attention().slice(r, 1), look.slice(row, 1), kTolerance, "look");
    }
  }
}

}  // namespace
}  // namespace attend
