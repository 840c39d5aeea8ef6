#include "training/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "training/synthetic.h"

namespace attend {
namespace {

std::vector<TrainingPhoto> photos_of(size_t count, size_t views = 1) {
  std::vector<TrainingPhoto> photos(count);
  for (size_t i = 0; i < count; ++i) {
    photos[i].sided = i % 3 == 0;
    photos[i].views.resize(views);
  }
  return photos;
}

std::vector<PickedPhoto> epoch_of(BatchPlan& plan, int64_t epoch) {
  std::vector<PickedPhoto> all;
  for (int64_t batch = 0; batch < plan.batches(); ++batch) {
    const std::vector<PickedPhoto> picked = plan.pick(epoch, batch);
    all.insert(all.end(), picked.begin(), picked.end());
  }
  return all;
}

std::vector<int64_t> order_of(const std::vector<PickedPhoto>& picked) {
  std::vector<int64_t> order;
  for (const PickedPhoto& pick : picked) order.push_back(pick.photo);
  return order;
}

TEST(BatchPlan, AnEpochHasEachPhotoOnceAndASmallerLastBatch) {
  const std::vector<TrainingPhoto> photos = photos_of(33);
  BatchPlan plan(photos, 8, 1);
  ASSERT_EQ(plan.batches(), 5);
  EXPECT_EQ(plan.pick(0, 0).size(), 8u);
  EXPECT_EQ(plan.pick(0, 4).size(), 1u);
  const std::vector<int64_t> order = order_of(epoch_of(plan, 0));
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 33u);
  EXPECT_EQ(order.size(), 33u);
}

TEST(BatchPlan, OrderIsAFunctionOfSeedAndEpochAlone) {
  const std::vector<TrainingPhoto> photos = photos_of(50);
  BatchPlan plan(photos, 8, 1), same(photos, 8, 1), other(photos, 8, 2);
  const std::vector<int64_t> first = order_of(epoch_of(plan, 0)), second = order_of(epoch_of(plan, 1));
  EXPECT_NE(first, second);
  EXPECT_EQ(order_of(epoch_of(same, 1)), second) << "without having seen epoch 0";
  EXPECT_EQ(order_of(epoch_of(plan, 0)), first) << "again after another epoch";
  EXPECT_NE(order_of(epoch_of(other, 0)), first);
}

TEST(BatchPlan, HalfOfThePhotosAreMirroredButNoneThatSpeaksOfSides) {
  const std::vector<TrainingPhoto> photos = photos_of(300);
  BatchPlan plan(photos, 7, 4);
  int64_t mirrored = 0, seen_both = 0;
  std::vector<int> ways(300);
  for (int64_t epoch = 0; epoch < 10; ++epoch) {
    for (const PickedPhoto& pick : epoch_of(plan, epoch)) {
      ASSERT_FALSE(pick.mirrored && pick.photo % 3 == 0);
      mirrored += pick.mirrored;
      ways[static_cast<size_t>(pick.photo)] |= pick.mirrored ? 2 : 1;
    }
  }
  for (const int way : ways) seen_both += way == 3;
  EXPECT_NEAR(static_cast<double>(mirrored), 1000, 80);
  EXPECT_GT(seen_both, 190) << "a photo is mirrored in some epochs only";
}

TEST(BatchPlan, EveryViewComesAsOftenAndApartFromTheMirror) {
  const std::vector<TrainingPhoto> photos = photos_of(300, 3);
  BatchPlan plan(photos, 7, 4);
  std::vector<int> counts(6);
  for (int64_t epoch = 0; epoch < 9; ++epoch) {
    for (const PickedPhoto& pick : epoch_of(plan, epoch)) {
      ASSERT_LT(pick.view, 3u);
      if (pick.photo % 3 != 0) ++counts[2 * pick.view + pick.mirrored];
    }
  }
  for (const int count : counts) EXPECT_NEAR(count, 300, 60) << "200 photos, 9 epochs, 6 ways";
}

TEST(PackedCaptions, CaptionsFollowEachOtherWithoutPadding) {
  PackedCaptions packed(10);
  packed.add_caption(std::vector<int32_t>{5, 6, 7}, true, 1);
  packed.add_caption(std::vector<int32_t>{8}, true, 1);
  packed.end_photo();
  packed.add_caption(std::vector<int32_t>{9, 5}, true, 1);
  packed.end_photo();
  const CaptionBatch<float> batch = packed.with({});
  EXPECT_THAT(batch.words, ::testing::ElementsAre(0, 5, 6, 7, 0, 8, 0, 9, 5));
  EXPECT_THAT(batch.next_words, ::testing::ElementsAre(5, 6, 7, 1, 8, 1, 9, 5, 1));
  EXPECT_THAT(batch.captions, ::testing::ElementsAre(0, 4, 6, 9));
  EXPECT_THAT(batch.photos, ::testing::ElementsAre(0, 6, 9));
  EXPECT_EQ(packed.total_weight(), 9);
  packed.clear();
  EXPECT_EQ(packed.rows(), 0);
  EXPECT_EQ(packed.captions(), 0);
}

TEST(PackedCaptions, ACaptionTooLongForTheModelIsCutAndItsEndNotLearned) {
  PackedCaptions packed(3);
  packed.add_caption(std::vector<int32_t>{5, 6, 7, 8}, true, 1);
  packed.add_caption(std::vector<int32_t>{5, 6, 7}, true, 1);
  packed.add_caption(std::vector<int32_t>{5, 6}, true, 1);
  const CaptionBatch<float> batch = packed.with({});
  EXPECT_THAT(batch.next_words, ::testing::ElementsAre(5, 6, 7, 5, 6, 7, 5, 6, 1));
}

TEST(PackedCaptions, ASentenceThatDidNotEndTeachesNoEnd) {
  PackedCaptions packed(9);
  packed.add_caption(std::vector<int32_t>{5, 6}, false, -0.5f);
  const CaptionBatch<float> batch = packed.with({});
  EXPECT_THAT(batch.words, ::testing::ElementsAre(0, 5));
  EXPECT_THAT(batch.next_words, ::testing::ElementsAre(5, 6));
  EXPECT_THAT(batch.weights, ::testing::ElementsAre(-0.5f, -0.5f));
}

TEST(PackedCaptions, TheUnknownWordIsReadButNeverTaught) {
  PackedCaptions packed(9);
  packed.add_caption(std::vector<int32_t>{5, Vocabulary::kUnknown, 6}, true, 2);
  const CaptionBatch<float> batch = packed.with({});
  EXPECT_THAT(batch.words, ::testing::ElementsAre(0, 5, 2, 6));
  EXPECT_THAT(batch.weights, ::testing::ElementsAre(2, 0, 2, 2));
  EXPECT_EQ(packed.total_weight(), 6);
}

TEST(GatherFeatures, EachPhotosOwnOrAnotherViewOrItsMirrorImages) {
  TemporaryFolder folder;
  constexpr int64_t kOther = 50;  // photo i seen otherwise has the features of photo i + kOther
  const FeatureFile whole = toy_feature_file(folder / "whole", 0, 5);
  const FeatureFile window = toy_feature_file(folder / "window", kOther, 5);
  std::vector<TrainingPhoto> photos(5);
  for (int64_t i = 0; i < 5; ++i) photos[static_cast<size_t>(i)] = {{&whole, &window}, i, false, {}, {}};
  const std::vector<PickedPhoto> picked = {{3, true}, {0, false, 1}, {3, false}, {2, true, 1}};
  std::vector<float> memory(4 * kToyPatches * kToyFeatures);
  gather_features(photos, picked, serial_executor(), {memory.data(), 4 * kToyPatches, kToyFeatures});
  for (size_t p = 0; p < picked.size(); ++p) {
    const std::vector<uint16_t> halves = toy_features(picked[p].photo + (picked[p].view == 1 ? kOther : 0));
    const size_t count = kToyPatches * kToyFeatures;
    for (size_t e = 0; e < count; ++e) {
      ASSERT_EQ(memory[p * count + e], half_to_float(halves[e + (picked[p].mirrored ? count : 0)]))
          << p << " " << e;
    }
  }
}

}  // namespace
}  // namespace attend
