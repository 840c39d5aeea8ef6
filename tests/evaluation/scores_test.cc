#include "evaluation/scores.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "evaluation/cider_d.h"
#include "evaluation/golden_evaluation.h"
#include "evaluation/rouge_l.h"
#include "language/ptb_tokenizer.h"

namespace attend {
namespace {

using testing::HasSubstr;

void expect_scores(const Scores& scores, const nlohmann::json& golden, double tolerance) {
  for (size_t n = 0; n < kMaxNgram; ++n) {
    EXPECT_NEAR(scores.bleu[n], golden["bleu"][n].get<double>(), tolerance) << "BLEU-" << n + 1;
  }
  EXPECT_NEAR(scores.rouge_l, golden["rouge_l"].get<double>(), tolerance);
  EXPECT_NEAR(scores.cider_d, golden["cider_d"].get<double>(), tolerance);
}

struct Golden {
  nlohmann::json json = golden_evaluation();
  std::vector<CandidateCaption> candidates;
  References references;

  Golden() {
    for (const auto& image : json["images"]) {
      candidates.push_back({image["image"], image["candidate"]});
      references[image["image"]] = image["references"].get<std::vector<std::string>>();
    }
  }
};

TEST(Scores, EqualThoseOfTheOriginal) {
  Golden golden;
  std::reverse(golden.candidates.begin(), golden.candidates.end());
  const auto scores = score_captions(golden.candidates, golden.references);
  ASSERT_TRUE(scores.ok()) << scores.status().message();
  EXPECT_EQ(scores.value().images, 60);
  expect_scores(scores.value(), golden.json["scores"], 1e-12);
}

TEST(Scores, EqualThoseOfTheOriginalOnEachImage) {
  const Golden golden;
  WordTable words;
  std::vector<std::vector<WordIds>> references;
  for (const auto& [image, texts] : golden.references) {
    auto& of_image = references.emplace_back();
    for (const auto& text : texts) of_image.push_back(words.intern(split_words(text)));
  }
  const CiderD cider(references);
  for (size_t i = 0; i < references.size(); ++i) {
    const WordIds candidate = words.intern(split_words(golden.candidates[i].text));
    const auto& expected = golden.json["images"][i];
    EXPECT_NEAR(cider.score(candidate, static_cast<int64_t>(i)), expected["cider_d"].get<double>(), 1e-12)
        << i;
    EXPECT_NEAR(rouge_l(candidate, references[i]), expected["rouge_l"].get<double>(), 1e-12) << i;
  }
}

std::string reversed_words(const std::string& text) {
  std::istringstream stream(text);
  std::string reversed;
  for (std::string word; stream >> word;) reversed = reversed.empty() ? word : word + " " + reversed;
  return reversed;
}

std::string first_words(const std::string& text, size_t count) {
  size_t end = 0;
  for (size_t n = 0; n < count && end != std::string::npos; ++n) end = text.find(' ', end + 1);
  return text.substr(0, end);
}

// ATTEND_DATA names a folder with flickr8k/captions.tsv. Candidates as make_evaluation.py makes them: half of
// them a person's caption, half altered.
TEST(Scores, EqualThoseOfTheOriginalOnTheFlickr8kTestSplit) {
  const char* data = std::getenv("ATTEND_DATA");
  if (data == nullptr) GTEST_SKIP() << "ATTEND_DATA is not set";
  const auto captions = read_dataset_captions(std::string(data) + "/flickr8k/captions.tsv");
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  References references;
  for (const DatasetCaption& caption : captions.value()) {
    if (caption.split == "test") references[caption.image].push_back(caption.text);
  }
  ASSERT_EQ(references.size(), 1000u);

  std::vector<std::string> own;
  for (auto& [image, texts] : references) {
    own.push_back(texts.front());
    texts.erase(texts.begin());
  }
  std::vector<CandidateCaption> candidates;
  for (const auto& [image, texts] : references) {
    const size_t n = candidates.size();
    const std::vector<std::string> altered = {"", own[n] + " " + own[n], first_words(own[n], 4),
                                              reversed_words(own[n]), own[(n + 1) % own.size()]};
    candidates.push_back({"folder/" + image, n % 2 == 0 ? own[n] : altered[n / 2 % altered.size()]});
  }
  const auto scores = score_captions(candidates, references);
  ASSERT_TRUE(scores.ok()) << scores.status().message();
  expect_scores(scores.value(), golden_evaluation()["flickr8k_test"], 1e-9);
}

TEST(Scores, AllCandidatesMayBeEmpty) {
  const auto scores = score_captions(std::vector<CandidateCaption>{{"a.jpg", ""}, {"b.jpg", " . "}},
                                     {{"a.jpg", {"a dog"}}, {"b.jpg", {"a cat", ""}}});
  ASSERT_TRUE(scores.ok());
  EXPECT_EQ(scores.value().cider_d, 0);
  EXPECT_LT(scores.value().bleu[0], 1e-3);
  EXPECT_EQ(scores.value().rouge_l, 0.5);  // the empty caption has an empty reference
}

TEST(Scores, ASingleImageIsScored) {
  const auto scores = score_captions(std::vector<CandidateCaption>{{"a.jpg", "A dog runs fast"}},
                                     {{"a.jpg", {"a dog runs fast ."}}});
  ASSERT_TRUE(scores.ok());
  EXPECT_NEAR(scores.value().bleu[3], 1, 1e-8);
  EXPECT_EQ(scores.value().rouge_l, 1);
  EXPECT_EQ(scores.value().cider_d, 0);  // with one image no word is rarer than another
}

std::string error_of(const std::vector<CandidateCaption>& candidates, const References& references) {
  const auto scores = score_captions(candidates, references);
  EXPECT_FALSE(scores.ok());
  EXPECT_EQ(scores.status().code(), StatusCode::kInvalidArgument);
  return scores.status().message();
}

TEST(Scores, APathIsFoundByItsLongestEndThatIsAnImage) {
  const References references = {{"x/a.jpg", {"a dog"}}, {"a.jpg", {"a cat"}}, {"b c/d/e.jpg", {"a cow"}}};
  const Result<Scores> scores = score_captions(
      std::vector<CandidateCaption>{
          {"data/images/x/a.jpg", "a dog"}, {"data/images/a.jpg", "a cat"}, {"/b c/d/e.jpg", "a cow"}},
      references);
  ASSERT_TRUE(scores.ok()) << scores.status().message();
  EXPECT_EQ(scores.value().rouge_l, 1);
}

TEST(Scores, EveryImageHasOneCandidateAndReferences) {
  const References references = {{"a.jpg", {"a dog"}}, {"b.jpg", {"a cat"}}};
  EXPECT_THAT(error_of({{"a.jpg", "x"}}, references),
              HasSubstr("b.jpg has references but no candidate caption (1 candidates, 2 images"));
  EXPECT_THAT(error_of({{"a.jpg", "x"}, {"c.jpg", "y"}}, references),
              HasSubstr("c.jpg has a candidate caption but no"));
  EXPECT_THAT(error_of({{"a.jpg", "x"}, {"folder/a.jpg", "y"}}, references),
              HasSubstr("a.jpg has two candidate"));
  EXPECT_THAT(error_of({}, {}), HasSubstr("0 images"));
  EXPECT_THAT(error_of({{"a.jpg", "x"}}, {{"a.jpg", {}}}), HasSubstr("a.jpg has 0 reference captions"));
}

}  // namespace
}  // namespace attend
