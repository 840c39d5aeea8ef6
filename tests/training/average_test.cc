#include "training/average.h"

#include <gtest/gtest.h>

#include "cli/temporary_folder.h"
#include "training/training_state.h"

namespace attend {
namespace {

struct Pair {
  Parameter<float> a{"a", 2, 3, Initial::zeros(), Parameter<float>::Decay::kYes};
  Parameter<float> b{"b", 1, 5, Initial::zeros(), Parameter<float>::Decay::kNo};
  ParameterList<float> list{&a, &b};

  void fill(float value) {
    for (Parameter<float>* p : list) {
      for (int64_t i = 0; i < p->size(); ++i) p->value().data[i] = value + static_cast<float>(i);
    }
  }
};

TEST(AverageParameters, IsTheMeanOfTheFiles) {
  const TemporaryFolder folder;
  Pair pair;
  std::vector<std::string> files;
  for (const float value : {1.0f, 2.0f, 6.0f}) {
    pair.fill(value);
    files.push_back(folder / std::to_string(files.size()));
    ASSERT_TRUE(save_parameters(files.back(), pair.list).ok());
  }
  ASSERT_TRUE(average_parameters(files, pair.list).ok());
  for (Parameter<float>* p : pair.list) {
    for (int64_t i = 0; i < p->size(); ++i) EXPECT_EQ(p->value().data[i], 3 + static_cast<float>(i));
  }
}

TEST(AverageParameters, OneFileComesBackBitForBit) {
  const TemporaryFolder folder;
  Pair pair;
  pair.fill(0.1f);
  ASSERT_TRUE(save_parameters(folder / "f", pair.list).ok());
  const float before = pair.a.value().data[4];
  pair.fill(9);
  ASSERT_TRUE(average_parameters(std::vector{folder / "f"}, pair.list).ok());
  EXPECT_EQ(pair.a.value().data[4], before);
}

TEST(AverageParameters, AnErrorLeavesTheParametersAlone) {
  const TemporaryFolder folder;
  Pair pair;
  pair.fill(1);
  ASSERT_TRUE(save_parameters(folder / "f", pair.list).ok());
  pair.fill(5);
  EXPECT_EQ(average_parameters(std::vector{folder / "f", folder / "none"}, pair.list).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(average_parameters({}, pair.list).code(), StatusCode::kInvalidArgument);
  Parameter<float> wider{"a", 2, 4, Initial::zeros(), Parameter<float>::Decay::kYes};
  EXPECT_EQ(average_parameters(std::vector{folder / "f"}, {&wider}).code(), StatusCode::kCorrupt);
  EXPECT_EQ(pair.a.value().data[0], 5);
}

}  // namespace
}  // namespace attend
