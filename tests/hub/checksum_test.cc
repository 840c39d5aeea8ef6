#include "hub/checksum.h"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace attend {
namespace {

std::string sum_of(const std::string& content, size_t digits, size_t piece) {
  Result<Checksum> sum = Checksum::start(std::string(digits, '0'), content.size());
  if (!sum.ok()) return sum.status().message();
  for (size_t i = 0; i < content.size(); i += piece)
    sum.value().add(std::as_bytes(std::span(content).subspan(i, std::min(piece, content.size() - i))));
  return sum.value().digits();
}

TEST(Checksum, LargeFilesAreNamedByTheirSha256) {
  EXPECT_EQ(sum_of("", 64, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sum_of("abc", 64, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Checksum, SmallFilesAreNamedAsGitNamesThem) {
  EXPECT_EQ(sum_of("", 40, 1), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(sum_of("hello\n", 40, 6), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Checksum, PiecesMakeNoDifference) {
  const std::string content(1000, 'x');
  for (const size_t digits : {size_t{40}, size_t{64}}) {
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{64}, size_t{999}})
      EXPECT_EQ(sum_of(content, digits, piece), sum_of(content, digits, content.size()));
  }
}

TEST(Checksum, ATagThatIsNoHashIsRefused) {
  for (const std::string& tag :
       {std::string(), std::string(39, '0'), std::string(64, 'g'), std::string(32, 'a'), std::string(40, 'A'),
        std::string("../../etc/passwd")}) {
    const Result<Checksum> sum = Checksum::start(tag, 0);
    ASSERT_FALSE(sum.ok()) << tag;
    EXPECT_EQ(sum.status().code(), StatusCode::kUnsupported);
  }
}

}  // namespace
}  // namespace attend
