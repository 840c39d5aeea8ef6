// BLEU of translations, and the words it is counted in, against sacreBLEU's (tests/golden/make_bleu.py).
#include "evaluation/translation_score.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluation/tokenizer_13a.h"

namespace attend {
namespace {

using Words = std::vector<std::string>;

const nlohmann::json& golden() {
  static const nlohmann::json json = [] {
    std::ifstream file(std::string(ATTEND_GOLDEN_DIR) + "/translation_bleu.json");
    return nlohmann::json::parse(file);
  }();
  return json;
}

TEST(Tokenizer13a, CutsEveryLineAsSacreBleuDoes) {
  ASSERT_GT(golden()["lines"].size(), 20u);
  for (const auto& line : golden()["lines"])
    EXPECT_EQ(tokenize_13a(line["line"].get<std::string>()), line["words"].get<Words>()) << line["line"];
}

TEST(Tokenizer13a, BytesThatAreNotTextAreAWord) {
  EXPECT_EQ(tokenize_13a("\xff\xc3 a\xe2\x80"), (Words{"\xff\xc3", "a\xe2\x80"}));
}

TEST(TranslationScore, OfEveryCorpusIsSacreBleus) {
  ASSERT_GT(golden()["corpora"].size(), 10u);
  for (const auto& corpus : golden()["corpora"]) {
    BleuCounts counts;
    for (size_t i = 0; i < corpus["references"].size(); ++i) {
      add_translation(corpus["translations"][i].get<std::string>(),
                      corpus["references"][i].get<std::string>(), counts);
    }
    EXPECT_NEAR(counts.smoothed(), corpus["bleu"].get<double>(), 1e-9) << corpus["translations"][0];
  }
}

TEST(TranslationScore, ItsSignatureIsSacreBleusButForTheVersion) {
  const std::string signature = golden()["signature"];
  EXPECT_EQ(signature.substr(0, signature.find("|version")), kTranslationSignature);
}

}  // namespace
}  // namespace attend
