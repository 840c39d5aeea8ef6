#include "evaluation/captions_file.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>

#include "base/atomic_file.h"

namespace attend {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(DatasetCaptions, AreReadInOrder) {
  const auto captions = parse_dataset_captions(
      "b.jpg\ttrain\t0\tA dog .\r\n\nb.jpg\ttrain\t1\t\n \na.jpg\ttest\t3\tEin Mädchen", "captions.tsv");
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  ASSERT_EQ(captions.value().size(), 3u);
  EXPECT_EQ(captions.value()[0].image, "b.jpg");
  EXPECT_EQ(captions.value()[0].split, "train");
  EXPECT_EQ(captions.value()[0].text, "A dog .");
  EXPECT_EQ(captions.value()[1].index, 1);
  EXPECT_EQ(captions.value()[1].text, "");
  EXPECT_EQ(captions.value()[2].text, "Ein Mädchen");
}

std::string dataset_error(const std::string& text) {
  const auto captions = parse_dataset_captions(text, "captions.tsv");
  EXPECT_FALSE(captions.ok()) << text;
  EXPECT_EQ(captions.status().code(), StatusCode::kCorrupt);
  return captions.status().message();
}

TEST(DatasetCaptions, AFaultNamesFileAndLine) {
  const std::string good = "a.jpg\ttrain\t0\tgood\n";
  EXPECT_THAT(dataset_error(good + "b.jpg\ttrain\t0\n"), StartsWith("captions.tsv:2: a row has 4 columns"));
  EXPECT_THAT(dataset_error(good + "\n\nb.jpg\ttrain\t0\ta\tb\n"), HasSubstr("captions.tsv:4: "));
  EXPECT_THAT(dataset_error(good + "\ttrain\t0\ttext"), HasSubstr(":2: the image is empty"));
  EXPECT_THAT(dataset_error(good + "b.jpg\t\t0\ttext"), HasSubstr(":2: the split is empty"));
  EXPECT_THAT(dataset_error(good + "b.jpg\ttest\t0\t\xff"), HasSubstr(":2: not UTF-8"));
  EXPECT_THAT(dataset_error(good + "a.jpg\ttest\t1\ttext"),
              HasSubstr("a.jpg is in both \"train\" and \"test\""));
  EXPECT_THAT(dataset_error(good + good), HasSubstr(":2: a.jpg has two captions with the index 0"));
  for (const char* index : {"", "-1", "x", "1x", " 1", "1.0", "2147483648", "99999999999999999999"}) {
    EXPECT_THAT(dataset_error(good + "b.jpg\ttest\t" + index + "\ttext"), HasSubstr(":2: the index \""));
  }
}

TEST(DatasetCaptions, AnEmptyFileIsAFault) {
  EXPECT_THAT(dataset_error(""), HasSubstr("captions.tsv: holds 0 captions"));
  EXPECT_THAT(dataset_error("\n \r\n\t\n"), HasSubstr("holds 0 captions"));
  EXPECT_THAT(dataset_error(std::string("\0\0\0", 3)), HasSubstr(":1: a row has 4 columns"));
}

TEST(CandidateCaptions, AreReadFromColumns) {
  const auto captions = parse_candidate_captions("\xef\xbb\xbfphotos/a b.jpg\tA dog\r\nc.jpg\t\n", "out.tsv");
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  ASSERT_EQ(captions.value().size(), 2u);
  EXPECT_EQ(captions.value()[0].image, "photos/a b.jpg");
  EXPECT_EQ(captions.value()[0].text, "A dog");
  EXPECT_EQ(captions.value()[1].text, "");
}

TEST(CandidateCaptions, AreReadFromJsonRows) {
  const auto captions = parse_candidate_captions(
      "\n{\"file\": \"\\u00e4.jpg\", \"caption\": \"a \\\"dog\\\"\", \"probability\": 0.5, \"words\": "
      "[{\"word\": \"a\"}]}\n"
      "{\"caption\": \"\", \"file\": \"b.jpg\"}",
      "out.jsonl");
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  ASSERT_EQ(captions.value().size(), 2u);
  EXPECT_EQ(captions.value()[0].image, "ä.jpg");
  EXPECT_EQ(captions.value()[0].text, "a \"dog\"");
  EXPECT_EQ(captions.value()[1].image, "b.jpg");
}

std::string candidate_error(const std::string& text) {
  const auto captions = parse_candidate_captions(text, "out");
  EXPECT_FALSE(captions.ok()) << text;
  EXPECT_EQ(captions.status().code(), StatusCode::kCorrupt);
  return captions.status().message();
}

TEST(CandidateCaptions, AFaultNamesFileAndLine) {
  EXPECT_THAT(candidate_error(""), HasSubstr("out: holds 0 captions"));
  EXPECT_THAT(candidate_error("a.jpg\tx\nb.jpg"),
              HasSubstr("out:2: a row has 2 columns (file, caption), this one 1"));
  EXPECT_THAT(candidate_error("a.jpg\tx\ty"), HasSubstr("out:1: a row has 2 columns"));
  EXPECT_THAT(candidate_error("\tx"), HasSubstr("out:1: the file name is empty"));
  EXPECT_THAT(candidate_error("a.jpg\t\xc0\x80"), HasSubstr("out:1: not UTF-8"));
}

TEST(CandidateCaptions, AFaultyJsonRowNamesFileAndLine) {
  const std::string good = "{\"file\": \"a.jpg\", \"caption\": \"x\"}\n";
  EXPECT_THAT(candidate_error(good + "b.jpg\tx"), HasSubstr("out:2: not a JSON object"));
  EXPECT_THAT(candidate_error(good + "{\"file\": \"b.jpg\", \"capt"), HasSubstr("out:2: not a JSON object"));
  EXPECT_THAT(candidate_error(good + "{\"file\": \"b.jpg\"}"),
              HasSubstr("out:2: the row lacks the string \"caption\""));
  EXPECT_THAT(candidate_error(good + "{\"file\": 3, \"caption\": \"x\"}"),
              HasSubstr("lacks the string \"file\""));
  EXPECT_THAT(candidate_error(good + "{\"file\": \"\", \"caption\": \"x\"}"),
              HasSubstr("the file name is empty"));
  EXPECT_THAT(candidate_error(good + "{\"file\": \"\xff\", \"caption\": \"x\"}"),
              HasSubstr("not a JSON object"));
  EXPECT_THAT(candidate_error("{\"a\":" + std::string(1'000'000, '[')),
              HasSubstr("out:1: not a JSON object"));
}

TEST(CaptionFiles, ComeFromTheDisk) {
  const std::string path = testing::TempDir() + "attend_captions_file_test.tsv";
  ASSERT_TRUE(write_file(path, "a.jpg\tval\t0\ta dog\n").ok());
  const auto captions = read_dataset_captions(path);
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  EXPECT_EQ(captions.value()[0].text, "a dog");
  EXPECT_THAT(read_candidate_captions(path).status().message(), HasSubstr(path + ":1: a row has 2 columns"));
  std::remove(path.c_str());
  EXPECT_EQ(read_candidate_captions(path).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(read_dataset_captions(path).status().message(), HasSubstr(path));
  EXPECT_FALSE(read_dataset_captions(testing::TempDir()).ok());
}

}  // namespace
}  // namespace attend
