// attend caption: photographs in, sentences out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> caption(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"caption", "--model", tiny_model()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

/// The output of a run that must succeed in silence.
std::string captions_of(const std::vector<std::string>& arguments, const Surroundings& surroundings = {}) {
  const Outcome outcome = run_attend(caption(arguments), surroundings);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

std::vector<Json> rows_of(const std::string& text) {
  std::vector<Json> rows;
  for (const std::string& line : lines_of(text)) {
    rows.push_back(Json::parse(line, nullptr, false));
    EXPECT_TRUE(rows.back().is_object()) << line;
  }
  return rows;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(Caption, OnePhotoGivesItsCaptionAlone) {
  TemporaryFolder folder;
  const std::string out = captions_of({folder.file("a.png", png_photo())});
  ASSERT_THAT(lines_of(out), SizeIs(1));
  EXPECT_THAT(out, EndsWith("\n"));
  EXPECT_EQ(out.find('\t'), std::string::npos);
  EXPECT_GT(out.size(), 2u);
}

TEST(Caption, SeveralPhotosEachHaveTheirPathInFront) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo()), b = folder.file("b.jpg", example_photo("cat.jpg"));
  const std::string alone = captions_of({a}), other = captions_of({b});
  EXPECT_EQ(captions_of({b, a}), b + "\t" + other + a + "\t" + alone);
}

TEST(Caption, AFolderGivesItsPhotosInOrder) {
  TemporaryFolder folder;
  folder.folder("below");
  const std::string b = folder.file("b.PNG", png_photo()), a = folder.file("a.jpeg", jpeg_photo());
  const std::string c = folder.file("below/c.gif", animated_gif_photo());
  folder.file("notes.txt", "not a photo");
  const std::vector<std::string> flat = lines_of(captions_of({folder.path()}));
  EXPECT_THAT(flat, ElementsAre(StartsWith(a + "\t"), StartsWith(b + "\t")));
  const std::vector<std::string> deep = lines_of(captions_of({"--recursive", folder.path()}));
  EXPECT_THAT(deep, ElementsAre(StartsWith(a + "\t"), StartsWith(b + "\t"), StartsWith(c + "\t")));
}

TEST(Caption, AFolderOfOnePhotoStillSaysWhich) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo());
  EXPECT_THAT(captions_of({folder.path()}), StartsWith(a + "\t"));
}

TEST(Caption, JsonRowsHoldFileCaptionProbabilityAndWords) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo());
  const std::string sentence = captions_of({a});
  const std::vector<Json> rows = rows_of(captions_of({"--format", "jsonl", a}));
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_THAT(keys_of(rows[0]), ElementsAre("file", "caption", "probability", "words"));
  EXPECT_EQ(rows[0]["file"], a);
  EXPECT_EQ(rows[0]["caption"].get<std::string>() + "\n", sentence);
  const double whole = rows[0]["probability"].get<double>();
  EXPECT_GT(whole, 0);
  EXPECT_LE(whole, 1);
  ASSERT_FALSE(rows[0]["words"].empty());
  double product = 1;
  for (const Json& word : rows[0]["words"]) {
    EXPECT_THAT(keys_of(word), ElementsAre("word", "probability"));
    EXPECT_FALSE(word["word"].get<std::string>().empty());
    product *= word["probability"].get<double>();
  }
  EXPECT_LE(whole, product * 1.001);  // the end of the sentence is a choice too
}

TEST(Caption, AttentionIsOneGridAWordAndSumsToOne) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo());
  const std::vector<Json> rows = rows_of(captions_of({"--format", "jsonl", "--attention", a}));
  ASSERT_THAT(rows, SizeIs(1));
  for (const Json& word : rows[0]["words"]) {
    EXPECT_THAT(keys_of(word), ElementsAre("word", "probability", "attention"));
    ASSERT_EQ(word["attention"].size(), static_cast<size_t>(kTinyGrid));
    double sum = 0;
    for (const Json& row : word["attention"]) {
      ASSERT_EQ(row.size(), static_cast<size_t>(kTinyGrid));
      for (const Json& share : row) sum += share.get<double>();
    }
    EXPECT_NEAR(sum, 1, 1e-4);
  }
}

TEST(Caption, NamesOfAnyKindComeBackFromJsonAndKeepToOneLineOfText) {
  TemporaryFolder folder;
  for (const char* name :
       {"Plage d'été 海.png", "two\nlines\t\"quoted\" \\.png", " leading and trailing .png"}) {
    const std::string path = folder.file(name, png_photo());
    const std::vector<Json> rows = rows_of(captions_of({"--format", "jsonl", path}));
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0]["file"], path);
  }
  const std::vector<std::string> lines = lines_of(captions_of({folder.path()}));
  EXPECT_THAT(lines, ElementsAre(StartsWith(folder / " leading and trailing .png\t"),
                                 StartsWith(folder / "Plage d'été 海.png\t"),
                                 StartsWith(folder / "two\\nlines\\t\"quoted\" \\.png\t")));
}

TEST(Caption, APathInBracketsIsThatPath) {
  TemporaryFolder folder;
  folder.folder("[2024]");
  folder.file("[2024]/x.png", png_photo());
  folder.file("[a,b].png", png_photo());
  folder.file("[a,b]", png_photo());
  Surroundings there;
  there.folder = folder.path();
  EXPECT_THAT(lines_of(captions_of({"[2024]", "[a,b]", "[a,b].png"}, there)),
              ElementsAre(StartsWith("[2024]/x.png\t"), StartsWith("[a,b]\t"), StartsWith("[a,b].png\t")));
  EXPECT_THAT(lines_of(captions_of({"--", "[a,b]"}, there)), SizeIs(1));
}

TEST(Caption, AHyphenIsThePhotoOnStandardInput) {
  TemporaryFolder folder;
  Surroundings piped;
  piped.input = png_photo();
  const std::string out = captions_of({"-", "--maps", folder / "maps"}, piped);
  EXPECT_EQ(out, captions_of({folder.file("a.png", png_photo())}));
  EXPECT_TRUE(std::filesystem::exists(folder / "maps/stdin.maps.png"));
  const std::vector<Json> rows = rows_of(captions_of({"-", folder / "a.png", "--format", "jsonl"}, piped));
  EXPECT_EQ(rows[0]["file"], "-");
  EXPECT_EQ(rows[0]["caption"], rows[1]["caption"]);
  const Outcome nothing = run_attend(caption({"-"}));
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_EQ(nothing.err, "attend: -: the file is empty\n");
}

TEST(Caption, ThreadsThatTheSystemRefusesAreDoneWithout) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs more addresses";
#endif
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  Surroundings small;
  small.most_memory = uint64_t{3} << 30;
  EXPECT_EQ(captions_of({photo, "--threads", "1024"}, small), captions_of({photo}));
}

TEST(Caption, ANameThatIsNoUtf8StillGivesValidJson) {
  TemporaryFolder folder;
  const std::string path = folder.file("latin1 \xe9.png", png_photo());
  const std::vector<Json> rows = rows_of(captions_of({"--format", "jsonl", path}));
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_THAT(rows[0]["file"].get<std::string>(), EndsWith("latin1 \xef\xbf\xbd.png"));
}

TEST(Caption, APathThatLooksLikeAnOptionComesAfterTwoDashes) {
  TemporaryFolder folder;
  folder.file("--beam.png", png_photo());
  Surroundings there;
  there.folder = folder.path();
  EXPECT_THAT(lines_of(captions_of({"--", "--beam.png"}, there)), SizeIs(1));
  folder.file("a.png", png_photo());
  EXPECT_THAT(lines_of(captions_of({"a.png", "--", "--beam.png"}, there)).front(), StartsWith("a.png\t"));
}

TEST(Caption, AFolderMayBeCalledAsACommandIs) {
  TemporaryFolder folder;
  folder.folder("info");
  folder.file("info/a.png", png_photo());
  Surroundings there;
  there.folder = folder.path();
  EXPECT_THAT(captions_of({"info"}, there), StartsWith("info/a.png\t"));
}

TEST(Caption, ThePictureCountsAndNotTheFormatThatHoldsIt) {
  TemporaryFolder folder;
  const std::string expected =
      captions_of({"--format", "jsonl", "--attention", folder.file("a.png", png_photo())});
  const std::string words = expected.substr(expected.find("\"caption\""));
  for (const std::string& content : {grey_png_photo(), sixteen_bit_png_photo(), transparent_png_photo(),
                                     spot_colour_tiff_photo(), turned_tiff_photo(), animated_gif_photo()}) {
    const std::string row = captions_of({"--format", "jsonl", "--attention", folder.file("b", content)});
    EXPECT_EQ(row.substr(row.find("\"caption\"")), words);
  }
  EXPECT_THAT(lines_of(captions_of({folder.file("c.jpg", cmyk_jpeg_photo())})), SizeIs(1));
}

TEST(Caption, TheNumberOfThreadsChangesNothing) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.jpg", example_photo("coffee.jpg"));
  const std::string one = captions_of({"--format", "jsonl", "--attention", "--threads", "1", photo});
  EXPECT_EQ(captions_of({"--format", "jsonl", "--attention", "--threads", "2", photo}), one);
  EXPECT_EQ(captions_of({"--format", "jsonl", "--attention", photo}), one);
}

TEST(Caption, LengthsAreKept) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  for (const int length : {1, 4, 7}) {
    const std::string words = std::to_string(length);
    const std::vector<Json> rows =
        rows_of(captions_of({"--format", "jsonl", "--min-length", words, "--max-length", words, photo}));
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0]["words"].size(), static_cast<size_t>(length));
  }
}

TEST(Caption, MoreWordsThanTheModelCanCarryIsAUsageError) {
  TemporaryFolder folder;
  const Outcome outcome = run_attend(caption({"--min-length", "500", folder.file("a.png", png_photo())}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), SizeIs(1));
}

TEST(Caption, TheLeastWordsGiveWayToTheMost) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  const std::vector<Json> rows = rows_of(captions_of({"--format", "jsonl", "--max-length", "1", photo}));
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_LE(rows[0]["words"].size(), 1u);
}

TEST(Caption, WhatTheModelCannotFollowIsToldByTheNamesOfTheOptions) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  const auto refused = [&](const std::string& option, const std::string& value) {
    const Outcome outcome = run_attend(caption({option, value, photo}));
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.err;
  };
  EXPECT_THAT(refused("--length-exponent", "-5"),
              StartsWith("attend: caption: --length-exponent is -5, and must"));
  EXPECT_THAT(refused("--min-length", "500"),
              StartsWith("attend: caption: --min-length is 500, and must be"));
  EXPECT_THAT(refused("--max-length", "999"),
              StartsWith("attend: caption: --max-length is 999, and this model"));
}

TEST(Caption, WhatTheModelCannotFollowIsToldBeforeAnyPhotoIsRead) {
  TemporaryFolder folder;
  const Outcome outcome =
      run_attend(caption({"/no/such/photo.jpg", "--max-length", "999", "--maps", folder / "maps"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(lines_of(outcome.err), ElementsAre(StartsWith("attend: caption: --max-length is 999")));
  EXPECT_FALSE(std::filesystem::exists(folder / "maps"));
}

TEST(Caption, TheLargestSeedIsASeed) {
  TemporaryFolder folder;
  captions_of({"--sample", "--seed", "18446744073709551615", folder.file("a.png", png_photo())});
}

TEST(Caption, GreedyIsABeamOfOneHereAndSamplesFollowTheSeed) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  const std::vector<std::string> drawn = {"--sample", "--temperature", "3",     "--format",
                                          "jsonl",    photo,           "--seed"};
  const auto with_seed = [&](const std::string& seed) {
    std::vector<std::string> arguments = drawn;
    arguments.push_back(seed);
    return captions_of(arguments);
  };
  EXPECT_EQ(with_seed("5"), with_seed("5"));
  int different = 0;
  for (const char* seed : {"1", "2", "3", "4"}) different += with_seed(seed) != with_seed("5") ? 1 : 0;
  EXPECT_GT(different, 0);
  EXPECT_EQ(captions_of({"--greedy", photo}), captions_of({"--greedy", photo}));
}

TEST(Caption, ASampleDoesNotDependOnThePhotosBeforeIt) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo()), b = folder.file("b.jpg", example_photo("cat.jpg"));
  const std::string together = captions_of({"--sample", "--seed", "9", a, b});
  EXPECT_EQ(captions_of({"--sample", "--seed", "9", a, b}), together);
}

}  // namespace
}  // namespace attend
