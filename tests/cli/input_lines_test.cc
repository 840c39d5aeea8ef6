#include "cli/input_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

/// What all of `input` is as lines, so many at a time.
std::vector<InputLine> lines_in(const std::string& input, size_t most = 1000) {
  const TemporaryFolder folder;
  const int descriptor = open(folder.file("input", input).c_str(), O_RDONLY);
  EXPECT_GE(descriptor, 0);
  InputLines source(descriptor);
  std::vector<InputLine> all;
  while (true) {
    const Result<std::vector<InputLine>> some = source.next(most);
    EXPECT_TRUE(some.ok()) << some.status().message();
    if (!some.ok() || some.value().empty()) break;
    EXPECT_LE(some.value().size(), most);
    all.insert(all.end(), some.value().begin(), some.value().end());
  }
  close(descriptor);
  return all;
}

std::vector<std::string> texts_in(const std::string& input, size_t most = 1000) {
  std::vector<std::string> texts;
  for (const InputLine& line : lines_in(input, most)) {
    EXPECT_FALSE(line.cut);
    texts.push_back(line.text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(InputLines, LoseTheirEndsAndTheLastNeedsNone) {
  EXPECT_EQ(texts_in(""), Texts());
  EXPECT_EQ(texts_in("\n"), Texts({""}));
  EXPECT_EQ(texts_in("one\r\n\r\n\ntwo\rthree\n"), Texts({"one", "", "", "two\rthree"}));
  EXPECT_EQ(texts_in("one\ntwo"), Texts({"one", "two"}));
  for (const size_t most : {1, 2, 3})
    EXPECT_EQ(texts_in("1\n2\n3\n4\n5", most), Texts({"1", "2", "3", "4", "5"}));
}

TEST(InputLines, AByteOrderMarkBeforeTheFirstIsNoPartOfIt) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(texts_in(mark + "one\n" + mark + "two\n"), Texts({"one", mark + "two"}));
  EXPECT_EQ(texts_in(mark + "\r\none"), Texts({"", "one"}));
  EXPECT_EQ(texts_in(mark + "one"), Texts({"one"}));
  EXPECT_EQ(texts_in(mark), Texts());
  EXPECT_EQ(texts_in(mark.substr(0, 2)), Texts({mark.substr(0, 2)}));
}

TEST(InputLines, AreWholeUpToTheLongest) {
  const std::string longest(kLongestLine, 'x');
  EXPECT_EQ(texts_in("a\n" + longest + "\nb\n"), Texts({"a", longest, "b"}));
  EXPECT_EQ(texts_in(longest), Texts({longest}));
}

TEST(InputLines, AreCutThereAndTheNextBeginsAfterTheLineFeed) {
  const std::string longest(kLongestLine, 'x');
  for (const size_t more : {size_t{1}, size_t{4096}, 3 * kLongestLine}) {
    const std::vector<InputLine> lines =
        lines_in("a\n" + longest + std::string(more, 'y') + "\nb\n" + longest + "z");
    ASSERT_EQ(lines.size(), 4u);
    for (const size_t i : {0, 2}) EXPECT_FALSE(lines[i].cut);
    EXPECT_EQ(lines[2].text, "b");
    for (const size_t i : {1, 3}) {
      EXPECT_TRUE(lines[i].cut);
      EXPECT_TRUE(lines[i].text == longest);
    }
  }
}

TEST(InputLines, AreCutBetweenCharacters) {
  for (const std::string character : {"\xc3\xa9", "\xe6\xb5\xb7", "\xf0\x9f\x90\x95"}) {
    for (size_t before = 0; before <= character.size(); ++before) {
      const std::string begin(kLongestLine - before, 'x');
      const std::vector<InputLine> lines = lines_in(begin + character + "more");
      ASSERT_EQ(lines.size(), 1u);
      EXPECT_TRUE(lines[0].cut);
      const std::string whole = before == character.size() ? begin + character : begin;
      EXPECT_TRUE(lines[0].text == whole) << character << " " << before;
    }
  }
}

TEST(InputLines, ADescriptorThatCannotBeReadIsAnError) {
  InputLines source(-1);
  EXPECT_EQ(source.next(1).status().code(), StatusCode::kIo);
}

}  // namespace
}  // namespace attend
