#include "language/ptb_tokenizer.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "evaluation/golden_evaluation.h"

namespace attend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(SplitWords, CutsAsTheTreebankDoesAndDropsPunctuation) {
  EXPECT_THAT(split_words("A dog's bone, isn't it?"),
              ElementsAre("a", "dog", "'s", "bone", "is", "n't", "it"));
  EXPECT_THAT(split_words("\"Mid-air\" (at 8:25pm) ."),
              ElementsAre("mid-air", "-lrb-", "at", "8:25", "pm", "-rrb-"));
}

TEST(SplitWords, AgreesWithTheOriginalOnEverySentenceOfTheGolden) {
  const auto golden = golden_evaluation();
  ASSERT_GE(golden["sentences"].size(), 30u);
  for (const auto& sentence : golden["sentences"]) {
    const auto text = sentence["text"].get<std::string>();
    EXPECT_EQ(split_words(text), sentence["words"].get<std::vector<std::string>>()) << text;
  }
}

// ATTEND_DATA names a folder with flickr8k/ and coco/; the digests were made from the original's words.
TEST(SplitWords, AgreesWithTheOriginalOnEveryCaptionOfTheDataSets) {
  const char* data = std::getenv("ATTEND_DATA");
  if (data == nullptr) GTEST_SKIP() << "ATTEND_DATA is not set";
  const auto golden = golden_evaluation();
  for (const auto& [name, digest] : golden["digests"].items()) {
    std::ifstream file(std::string(data) + "/" + name);
    ASSERT_TRUE(file) << name;
    uint64_t value = 0xcbf29ce484222325u;
    for (std::string line; std::getline(file, line);) {
      for (const char c : joined(split_words(line.substr(line.rfind('\t') + 1))) + "\n") {
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
      }
    }
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    EXPECT_EQ(text, digest.get<std::string>()) << name;
  }
}

TEST(SplitWords, NothingIsMadeOfNothing) {
  EXPECT_THAT(split_words(""), IsEmpty());
  EXPECT_THAT(split_words(" \t\r\n\v\f "), IsEmpty());
  EXPECT_THAT(split_words(". , ; : ? ! - -- ... ' '' ` `` \""), IsEmpty());
}

TEST(SplitWords, LineBreaksAreSpaces) {
  EXPECT_THAT(split_words("a\ndog\r\nruns"), ElementsAre("a", "dog", "runs"));
}

TEST(SplitWords, ItsOwnWordsStayAsTheyAre) {
  const char* text =
      "the boys' red/yellow t-shirts aren't in Mr. O'Neil's '90s U.S. box, 5.5-inch at 5 o'clock (8:25)";
  const auto words = split_words(text);
  EXPECT_EQ(split_words(joined(words)), words);
}

TEST(SplitWords, LettersBeyondAsciiBelongToWords) {
  EXPECT_THAT(split_words("Das Mädchen isst Äpfel"), ElementsAre("das", "mädchen", "isst", "äpfel"));
  EXPECT_THAT(split_words("2 × 你好, мир"), ElementsAre("2", "×", "你好", "мир"));
  EXPECT_THAT(split_words("the dog’s “bone”…"), ElementsAre("the", "dog", "'s", "bone"));
}

TEST(SplitWords, AnyBytesAreAccepted) {
  std::string bytes;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; second += 5) {
      bytes += static_cast<char>(first);
      bytes += static_cast<char>(second);
    }
  }
  size_t letters = 0;
  for (const std::string& word : split_words(bytes)) {
    EXPECT_FALSE(word.empty());
    EXPECT_EQ(word.find_first_of(" \t\n\r\v\f"), std::string::npos);
    letters += word.size();
  }
  EXPECT_GT(letters, bytes.size() / 4);
}

// Each of these makes some form look far ahead from every position and then not fit.
TEST(SplitWords, LongHostileTextTakesLinearTime) {
  constexpr size_t kRepeats = 100'000;
  for (const std::string piece :
       {"a,", "a.", "5.a", "a'", "<a", "<",   "@",  "a@",     "http://", "--a",  "a-", "a/",
        "A+", "'",  "a$",  ":",  "(",  "n't", "y'", "cannot", "\xc3",    "&amp", "A. "}) {
    std::string text;
    for (size_t i = 0; i < kRepeats; ++i) text += piece;
    size_t length = 0;
    for (const std::string& token : split_tokens(text)) length += token.size();
    EXPECT_GE(length, kRepeats) << piece;
  }
}

TEST(SplitTokens, KeepsPunctuation) {
  EXPECT_THAT(split_tokens("Wait... what?!"), ElementsAre("wait", "...", "what", "?!"));
}

}  // namespace
}  // namespace attend
