#include "translation/alignment_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/temporary_folder.h"
#include "drawing/heat_overlay.h"

namespace attend {
namespace {

Translation two_by_three() {
  Translation translation;
  translation.source_words = {"red", "dog"};
  translation.words = {{"Hund", 0.5, {0.1f, 0.8f, 0.1f}}, {"rot", 0.5, {0.7f, 0.2f, 0.1f}}};
  return translation;
}

/// How often a colour is in the picture.
int64_t count(const Photo& photo, const std::array<uint8_t, 3>& colour) {
  int64_t found = 0;
  for (size_t i = 0; i < photo.rgb.size(); i += 3)
    found += std::equal(colour.begin(), colour.end(), photo.rgb.begin() + static_cast<std::ptrdiff_t>(i));
  return found;
}

TEST(AlignmentSheet, HasACellForEveryPairOfWordsInTheColourOfItsWeight) {
  const Result<Photo> sheet = alignment_sheet(two_by_three());
  ASSERT_TRUE(sheet.ok()) << sheet.status().message();
  const int64_t cell = count(sheet.value(), heat_colour(1.0));
  EXPECT_GE(cell, 300) << "one cell of the largest weight";
  EXPECT_EQ(count(sheet.value(), heat_colour(static_cast<double>(0.1f / 0.8f))), 3 * cell);
  EXPECT_EQ(count(sheet.value(), heat_colour(static_cast<double>(0.7f / 0.8f))), cell);
}

TEST(AlignmentSheet, LongTranslationsGetSmallCellsAndStayAPicture) {
  Translation translation;
  translation.source_words.assign(400, "wort");
  translation.words.assign(500, {"word", 1, std::vector<float>(401, 1.0f / 401)});
  const Result<Photo> sheet = alignment_sheet(translation);
  ASSERT_TRUE(sheet.ok());
  EXPECT_LT(sheet.value().width, 7000);
  EXPECT_LT(sheet.value().height, 7000);
}

TEST(AlignmentSheet, AreAnErrorWithoutWordsOrWeights) {
  EXPECT_EQ(alignment_sheet({}).status().code(), StatusCode::kInvalidArgument);
  Translation translation = two_by_three();
  translation.words[1].attention.pop_back();
  EXPECT_THAT(alignment_sheet(translation).status().message(), ::testing::HasSubstr("\"rot\" has 2 weights"));
  EXPECT_THAT(write_alignment_sheet("x.png", translation).message(), ::testing::StartsWith("x.png: "));
}

TEST(AlignmentSheet, AreWrittenByTheirName) {
  const TemporaryFolder folder;
  EXPECT_TRUE(write_alignment_sheet(folder / "a.png", two_by_three()).ok());
  EXPECT_TRUE(std::filesystem::exists(folder / "a.png"));
  EXPECT_FALSE(write_alignment_sheet(folder / "a.txt", two_by_three()).ok());
}

}  // namespace
}  // namespace attend
