#include "language/vocabulary.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "language/ptb_tokenizer.h"

namespace attend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

const std::vector<Words> kCaptions = {
    {"a", "dog", "'s", "bone"}, {"a", "cat", "is", "n't", "a", "dog"}, {"zebra"}};

std::string error_of(const std::string& text) {
  const auto vocabulary = Vocabulary::parse(text, "model.bin");
  EXPECT_FALSE(vocabulary.ok()) << text;
  EXPECT_EQ(vocabulary.status().code(), StatusCode::kCorrupt);
  return vocabulary.status().message();
}

TEST(Vocabulary, ListsWordsByCountThenAlphabet) {
  EXPECT_THAT(
      Vocabulary::build(kCaptions, 1).words(),
      ElementsAre("<start>", "<end>", "<unknown>", "a", "dog", "'s", "bone", "cat", "is", "n't", "zebra"));
  EXPECT_THAT(Vocabulary::build(kCaptions, 2).words(),
              ElementsAre("<start>", "<end>", "<unknown>", "a", "dog"));
  EXPECT_EQ(Vocabulary::build({}, 1).size(), Vocabulary::kSpecials);
}

TEST(Vocabulary, DoesNotDependOnTheOrderOfCaptions) {
  auto reversed = kCaptions;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(Vocabulary::build(reversed, 1).words(), Vocabulary::build(kCaptions, 1).words());
}

TEST(Vocabulary, LeavesOutWhatItCouldNotReadBack) {
  const std::vector<Words> captions = {{"<end>", "", "a b", "\xff", "line\nfeed", "good"}};
  const auto vocabulary = Vocabulary::build(captions, 1);
  EXPECT_THAT(vocabulary.words(), ElementsAre("<start>", "<end>", "<unknown>", "good"));
  EXPECT_TRUE(Vocabulary::parse(vocabulary.serialise(), "x").ok());
}

TEST(Vocabulary, EncodesWordsAndMarksTheUnknown) {
  const auto vocabulary = Vocabulary::build(kCaptions, 2);
  EXPECT_THAT(vocabulary.encode(Words{"a", "yak", "dog"}), ElementsAre(3, Vocabulary::kUnknown, 4));
  for (int32_t id = 0; id < vocabulary.size(); ++id) EXPECT_EQ(vocabulary.id(vocabulary.word(id)), id);
}

TEST(Vocabulary, DecodesAsPeopleWrite) {
  const auto vocabulary = Vocabulary::build(kCaptions, 1);
  const auto decode = [&](const Words& words) { return vocabulary.decode(vocabulary.encode(words)); };
  EXPECT_EQ(decode({"a", "dog", "'s", "bone"}), "a dog's bone");
  EXPECT_EQ(decode({"<start>", "a", "cat", "is", "n't", "a", "yak", "<end>", "dog"}),
            "a cat isn't a <unknown>");
  EXPECT_EQ(decode({"'s", "dog"}), "'s dog");
  EXPECT_EQ(decode({}), "");
  EXPECT_EQ(join_words(Words{"red", "-lrb-", "and", "blue", "-rrb-", "box"}), "red (and blue) box");
}

TEST(Vocabulary, DecodedCaptionsAreCutIntoTheSameWordsAgain) {
  for (const char* text :
       {"the boys' dog isn't theirs", "they've seen (some) of what we'd like", "I'm at Mr. Brown's",
        "he can't, won't and cannot", "a red/yellow t-shirt at 5 o'clock"}) {
    const auto words = split_words(text);
    EXPECT_EQ(split_words(join_words(words)), words) << text;
  }
}

TEST(Vocabulary, SurvivesSerialisation) {
  const auto vocabulary = Vocabulary::build(kCaptions, 1);
  const auto read = Vocabulary::parse(vocabulary.serialise(), "model.bin");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read.value().words(), vocabulary.words());
  EXPECT_EQ(read.value().id("zebra"), vocabulary.id("zebra"));
}

TEST(Vocabulary, RefusesTextWithoutTheSpecials) {
  EXPECT_THAT(error_of(""), HasSubstr("model.bin: vocabulary line 1 is not \"<start>\""));
  EXPECT_THAT(error_of("<start>\n<end>"), HasSubstr("vocabulary line 3 is missing"));
  EXPECT_THAT(error_of("<start>\n<unknown>\n<end>\na"), HasSubstr("vocabulary line 2 is not \"<end>\""));
}

TEST(Vocabulary, RefusesWordsThatAreNoWords) {
  const std::string specials = "<start>\n<end>\n<unknown>\n";
  EXPECT_THAT(error_of(specials + "a\ndog\na"), HasSubstr("vocabulary line 6 repeats line 4, \"a\""));
  EXPECT_THAT(error_of(specials + "a\n\ndog"), HasSubstr("vocabulary line 5 is empty"));
  EXPECT_THAT(error_of(specials + "a\n"), HasSubstr("vocabulary line 5 is empty"));
  EXPECT_THAT(error_of(specials + "a\xc3(b"), HasSubstr("vocabulary line 4 is not UTF-8"));
  EXPECT_THAT(error_of(specials + "a\r\nb"),
              HasSubstr("vocabulary line 4 holds a space or control character"));
  EXPECT_THAT(error_of(specials + std::string("a\0b", 3)), HasSubstr("holds a space or control character"));
  EXPECT_THAT(error_of(specials + "<end>"), HasSubstr("vocabulary line 4 repeats line 2"));
}

}  // namespace
}  // namespace attend
