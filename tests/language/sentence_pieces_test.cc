#include "language/sentence_pieces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

const std::vector<std::string>& sentences() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made;
    const std::vector<std::string> who = {"Ein Mann", "Eine Frau", "A man", "Das Mädchen"},
                                   what = {"läuft", "schläft", "is running", "sitzt im Gras"};
    for (const std::string& a : who) {
      for (const std::string& b : what) {
        for (const std::string& c : who) made.push_back(a + " " + b + " und " + c + ".");
      }
    }
    return made;
  }();
  return all;
}

const SentencePieces& learned() {
  static const SentencePieces pieces = SentencePieces::train(sentences(), 38).value();
  return pieces;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(SentencePieces, WhatIsCutAndJoinedIsTheSentence) {
  for (const std::string& sentence : sentences()) {
    const std::vector<int32_t> ids = learned().encode(sentence);
    EXPECT_GT(ids.size(), 1u);
    for (const int32_t id : ids) {
      EXPECT_GE(id, 0);
      EXPECT_LT(id, learned().size());
      EXPECT_NE(id, learned().unknown());
    }
    EXPECT_EQ(learned().decode(ids), sentence);
  }
}

TEST(SentencePieces, AreAsManyAsAskedForAndHaveTheirSpecialOnes) {
  EXPECT_EQ(learned().size(), 38);
  const std::vector<int32_t> special = {learned().start(), learned().end()};
  EXPECT_EQ(learned().decode(special), "");
  EXPECT_NE(learned().start(), learned().end());
}

TEST(SentencePieces, TheSameSentencesGiveTheSameBytes) {
  EXPECT_EQ(SentencePieces::train(sentences(), 38).value().serialised(), learned().serialised());
}

TEST(SentencePieces, AreLearnedFromSentencesOfAnyLength) {
  std::vector<std::string> more = sentences();
  std::string longest;
  while (longest.size() < 5000) longest += more[longest.size() % more.size()] + " ";
  more.push_back(longest + "ψ");
  const SentencePieces pieces = SentencePieces::train(more, 40).value();
  EXPECT_THAT(pieces.encode("ψ"), ::testing::Not(::testing::Contains(pieces.unknown())));
}

TEST(SentencePieces, AreReadBackFromTheirBytes) {
  const Result<SentencePieces> again = SentencePieces::parse(bytes_of(learned().serialised()), "file");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again.value().encode(sentences()[3]), learned().encode(sentences()[3]));
}

TEST(SentencePieces, APieceThatBeginsAWordBeginsWithASpace) {
  const std::vector<int32_t> ids = learned().encode("Das Mädchen sitzt");
  std::string joined;
  for (const int32_t id : ids) joined += learned().text(id);
  EXPECT_EQ(joined, " Das Mädchen sitzt");
}

TEST(SentencePieces, ACutSentenceSaysWhatItSaidWhereItIsUnknown) {
  for (const std::string sentence : {"Eine Frau läuft 日本 ψ!Mann", "日本", "ψMann", ""}) {
    const CutSentence cut = learned().cut(sentence);
    EXPECT_EQ(cut.ids, learned().encode(sentence));
    ASSERT_EQ(cut.texts.size(), cut.ids.size());
    std::string joined;
    for (const std::string& text : cut.texts) joined += text;
    EXPECT_EQ(joined, sentence);
  }
}

TEST(SentencePieces, NothingSpacesAndStrangersAreNoAccident) {
  EXPECT_TRUE(learned().encode("").empty());
  EXPECT_TRUE(learned().encode("   ").empty());
  EXPECT_EQ(learned().encode("Ein   Mann "), learned().encode("Ein Mann"));
  EXPECT_THAT(learned().encode("ψ"), ::testing::Contains(learned().unknown()));
  EXPECT_FALSE(learned().encode("\xff\xfe Mann").empty());
  EXPECT_FALSE(learned().encode(std::string("Ein\0Mann", 8)).empty());
}

TEST(SentencePieces, TooManyOrTooFewAreAnErrorThatTellsTheCount) {
  EXPECT_THAT(SentencePieces::train(sentences(), 5000).status().message(),
              MatchesRegex("cannot cut .* into 5000 pieces: at most .* are possible"));
  EXPECT_THAT(SentencePieces::train(sentences(), 10).status().message(),
              MatchesRegex("cannot cut .* into 10 pieces: at least .* are possible"));
  EXPECT_THAT(SentencePieces::train(sentences(), 2).status().message(), HasSubstr("2 pieces, not from 8"));
  EXPECT_FALSE(SentencePieces::train({}, 38).ok());
}

TEST(SentencePieces, BytesThatAreNoneAreCorrupt) {
  for (const std::string& text : {std::string("no model"), std::string("\xff\xff\xff"), std::string()}) {
    const Status status = SentencePieces::parse(bytes_of(text), "file").status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt);
    EXPECT_THAT(status.message(), HasSubstr("file: "));
  }
}

/// A field of a protocol buffer that holds `bytes`, fewer than 128.
std::string field(int number, const std::string& bytes) {
  return std::string({static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())}) + bytes;
}

TEST(SentencePieces, AModelWithTablesThatRewriteTextIsNotRead) {
  for (const int rules : {3, 5}) {  // normaliser, denormaliser
    const std::string model = learned().serialised() + field(rules, field(2, "a table"));
    const Status status = SentencePieces::parse(bytes_of(model), "file").status();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << rules;
  }
}

TEST(SentencePieces, DamagedBytesAreReadOrRefusedButNoAccident) {
  const std::string whole = learned().serialised();
  const RandomKey key(5);
  for (uint64_t i = 0; i < 400; ++i) {
    std::string damaged = whole;
    for (uint64_t k = 0; k < 1 + i % 3; ++k) {
      const RandomKey at = key.child(i).child(k);
      damaged[at.below(0, damaged.size())] = static_cast<char>(at.below(1, 256));
    }
    if (i % 4 == 0) damaged.resize(key.child(i).below(9, damaged.size()));
    const Result<SentencePieces> pieces = SentencePieces::parse(bytes_of(damaged), "file");
    if (!pieces.ok()) continue;
    for (const int32_t id : pieces.value().encode(sentences()[i % sentences().size()])) {
      ASSERT_GE(id, 0);
      ASSERT_LT(id, pieces.value().size());
    }
  }
}

}  // namespace
}  // namespace attend
