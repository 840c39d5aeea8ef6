#include "training/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/temporary_folder.h"
#include "training/training_set.h"

namespace attend {
namespace {

constexpr char kCaptions[] =
    "b.jpg\ttrain\t1\tThe dog turns left .\n"
    "a.jpg\ttrain\t0\tA dog's ball, a dog .\n"
    "b.jpg\ttrain\t0\tA dog .\n"
    "c.jpg\tval\t0\tA cat\n"
    "d.jpg\ttest\t0\tA zebra\n"
    "e.jpg\tunused\t0\tA zebra\n"
    "a.jpg\ttrain\t1\tLeftovers on the right-hand plate\n";

TEST(DataFolder, PhotosComeBySplitWithTheirCaptionsInOrder) {
  const TemporaryFolder folder;
  folder.folder("toys");
  folder.file("toys/captions.tsv", kCaptions);
  const Result<DataFolder> data = read_data_folder(folder / "toys/");
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data.value().name, "toys");
  ASSERT_EQ(data.value().train.size(), 2u);
  EXPECT_EQ(data.value().train[0].image, "a.jpg");
  EXPECT_THAT(data.value().train[1].texts, ::testing::ElementsAre("A dog .", "The dog turns left ."));
  EXPECT_THAT(data.value().train[0].words[0], ::testing::ElementsAre("a", "dog", "'s", "ball", "a", "dog"));
  EXPECT_EQ(data.value().val.size(), 1u);
  EXPECT_EQ(data.value().test.size(), 1u);
  EXPECT_EQ(&data.value().photos(Split::kVal), &data.value().val);
  EXPECT_EQ(&data.value().photos(Split::kTest), &data.value().test);
  EXPECT_THAT(data.value().photo_path(data.value().val[0]), ::testing::EndsWith("toys//images/c.jpg"));
}

TEST(DataFolder, OnlyTheWordsLeftAndRightThemselvesForbidTheMirror) {
  const TemporaryFolder folder;
  folder.file("captions.tsv",
              "a.jpg\ttrain\t0\tA dog\n"
              "a.jpg\ttrain\t1\tTo the LEFT, a dog\n"
              "b.jpg\ttrain\t0\tLeftovers brightly lit\n"
              "c.jpg\ttrain\t0\tA man on the right .\n");
  const DataFolder data = read_data_folder(folder.path()).value();
  EXPECT_TRUE(data.train[0].sided);
  EXPECT_FALSE(data.train[1].sided);
  EXPECT_TRUE(data.train[2].sided);
}

TEST(DataFolder, AnEmptySelectionOrAMissingFileIsAnErrorThatNamesTheFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_data_folder(folder.path()).status().code(), StatusCode::kNotFound);
  folder.file("captions.tsv", "e.jpg\tunused\t0\tA zebra\n");
  const Result<DataFolder> data = read_data_folder(folder.path());
  ASSERT_FALSE(data.ok());
  EXPECT_NE(data.status().message().find("captions.tsv"), std::string::npos);
}

TEST(DataFolder, TheFingerprintIsOfWhatPeopleWroteAboutWhichPhoto) {
  const TemporaryFolder folder;
  const std::string captions = kCaptions;
  const auto of = [&](const std::string& was, const std::string& now) {
    std::string changed = captions;
    changed.replace(changed.find(was), was.size(), now);
    folder.file("captions.tsv", changed);
    return fingerprint_of(read_data_folder(folder.path()).value());
  };
  const uint64_t before = of("", "");
  EXPECT_EQ(of("e.jpg", "f.jpg"), before) << "in no split";
  EXPECT_EQ(of("zebra", "horse"), before) << "test is neither learned from nor judged by";
  EXPECT_NE(of("A cat", "The cat"), before) << "val";
  EXPECT_NE(of("plate", "Plate"), before) << "words that no vocabulary has count in references";
  EXPECT_NE(of("c.jpg", "cc.jpg"), before);
  EXPECT_NE(of("a.jpg\ttrain\t1", "b.jpg\ttrain\t2"), before) << "another photo's caption";
}

TEST(TrainVocabulary, CountsTheTrainCaptionsOfAllFoldersTogether) {
  const TemporaryFolder folder;
  folder.file("captions.tsv", kCaptions);
  const std::vector<DataFolder> twice(2, read_data_folder(folder.path()).value());
  const Vocabulary often = train_vocabulary(twice, 4);
  EXPECT_NE(often.id("dog"), Vocabulary::kUnknown);
  EXPECT_EQ(often.id("ball"), Vocabulary::kUnknown);
  const Vocabulary all = train_vocabulary(twice, 1);
  EXPECT_NE(all.id("ball"), Vocabulary::kUnknown);
  EXPECT_EQ(all.id("cat"), Vocabulary::kUnknown) << "val is not learned from";
  EXPECT_EQ(all.id("zebra"), Vocabulary::kUnknown);
}

TEST(TrainingSet, TwoFoldersOfOneNameAndFoldersWithoutTrainPhotosAreRefused) {
  const TemporaryFolder folder;
  folder.folder("x/toys");
  folder.folder("y/toys");
  folder.file("x/toys/captions.tsv", kCaptions);
  folder.file("y/toys/captions.tsv", kCaptions);
  const Safetensors encoder =
      Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/vision_encoder.safetensors").value();
  const FeatureProgress quiet = [](int64_t, int64_t) {};
  TrainingSetOptions options;
  options.data = {folder / "x/toys", folder / "y/toys"};
  options.cache = folder / "cache";
  const Result<TrainingSet> same = make_training_set(options, encoder, serial_executor(), quiet);
  ASSERT_FALSE(same.ok());
  EXPECT_NE(same.status().message().find("named toys"), std::string::npos) << same.status().message();

  options.data.pop_back();
  options.min_count = 1000;
  EXPECT_EQ(make_training_set(options, encoder, serial_executor(), quiet).status().message(),
            "no word of the train captions comes up 1000 times (--min-count)");
  folder.file("x/toys/captions.tsv", "c.jpg\tval\t0\tA cat\n");
  EXPECT_EQ(make_training_set(options, encoder, serial_executor(), quiet).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace attend
