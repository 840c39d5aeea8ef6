#include "captioner/spoken_caption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attend {
namespace {

using ::testing::ElementsAre;

class SpokenCaption : public ::testing::Test {
 protected:
  SpokenSentence spoken(const std::vector<std::string>& words) {
    SpokenSentence sentence;
    sentence.log_probability = -2.5;
    float p = 0.9f;
    for (const std::string& word : words) {
      EXPECT_NE(vocabulary_.id(word), Vocabulary::kUnknown) << word;
      sentence.words.push_back({vocabulary_.id(word), p, {p, 1 - p}});
      p -= 0.1f;
    }
    return sentence;
  }
  std::vector<std::string> texts(const Caption& caption) {
    std::vector<std::string> texts;
    for (const CaptionWord& word : caption.words) texts.push_back(word.text);
    return texts;
  }

  Vocabulary vocabulary_ =
      Vocabulary::parse("<start>\n<end>\n<unknown>\na\nman\n's\ndog\ndoes\nn't\nsleep\n-lrb-\n-rrb-", "words")
          .value();
};

TEST_F(SpokenCaption, PartsThatAreWrittenAsOneWordBecomeOne) {
  const Caption caption = to_caption(spoken({"a", "man", "'s", "dog"}), vocabulary_, 1);
  EXPECT_EQ(caption.text, "a man's dog");
  EXPECT_THAT(texts(caption), ElementsAre("a", "man's", "dog"));
  EXPECT_NEAR(caption.words[1].probability, 0.8 * 0.7, 1e-6);
  EXPECT_NEAR(caption.words[1].attention[0], (0.8 + 0.7) / 2, 1e-6);
  EXPECT_NEAR(caption.words[1].attention[1], (0.2 + 0.3) / 2, 1e-6);
  EXPECT_NEAR(caption.words[2].probability, 0.6, 1e-6);
  EXPECT_NEAR(caption.words[2].attention[0], 0.6, 1e-6);
  EXPECT_EQ(caption.log_probability, -2.5);
  EXPECT_NEAR(caption.probability, std::exp(-2.5), 1e-15);
}

TEST_F(SpokenCaption, TheWordsAreTheTextAndTheTextIsTheVocabularys) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"a", "dog", "does", "n't", "sleep"},
                                                {"'s", "man"},
                                                {"a", "-lrb-", "man", "-rrb-", "dog"},
                                                {"n't"},
                                                {"man", "'s", "'s", "n't", "a"}}) {
    const SpokenSentence sentence = spoken(words);
    const Caption caption = to_caption(sentence, vocabulary_, 1);
    std::string joined;
    for (const std::string& text : texts(caption)) joined += (joined.empty() ? "" : " ") + text;
    EXPECT_EQ(caption.text, joined);
    EXPECT_EQ(caption.text, join_words(words));
  }
}

TEST_F(SpokenCaption, NothingSaidIsAnEmptyCaption) {
  const Caption caption = to_caption(spoken({}), vocabulary_, 3);
  EXPECT_EQ(caption.text, "");
  EXPECT_TRUE(caption.words.empty());
  EXPECT_EQ(caption.grid, 3);
}

TEST_F(SpokenCaption, WithoutAttentionNoneIsMadeUp) {
  SpokenSentence sentence = spoken({"man", "'s"});
  for (SpokenWord& word : sentence.words) word.attention.clear();
  EXPECT_TRUE(to_caption(sentence, vocabulary_, 1).words.at(0).attention.empty());
}

}  // namespace
}  // namespace attend
