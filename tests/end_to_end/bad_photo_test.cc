// Files that are not the photographs that they claim to be: one line each, and the others are still done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// Captions a good photo, `bad`, and a good photo: two rows, one line on standard error that begins with the
/// name of the bad one and says `why`, exit code 2.
void expect_one_failure(const TemporaryFolder& folder, const std::string& bad, const std::string& why,
                        const Surroundings& surroundings = {}) {
  SCOPED_TRACE(bad);
  const std::string first = folder.file("first good.png", png_photo()),
                    last = folder.file("last.jpg", jpeg_photo());
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), first, bad, last}, surroundings);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(lines_of(outcome.out), ElementsAre(StartsWith(first + "\t"), StartsWith(last + "\t")));
  EXPECT_THAT(lines_of(outcome.err), ElementsAre(AllOf(StartsWith("attend: " + bad + ": "), HasSubstr(why))));
}

TEST(BadPhoto, Missing) {
  TemporaryFolder folder;
  expect_one_failure(folder, folder / "gone.jpg", "No such file");
}

TEST(BadPhoto, Empty) {
  TemporaryFolder folder;
  expect_one_failure(folder, folder.file("empty.jpg"), "empty");
}

TEST(BadPhoto, AFifoThatNobodyWritesTo) {
  TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo.jpg").c_str(), 0600), 0);
  expect_one_failure(folder, folder / "fifo.jpg", "not a regular file");
}

TEST(BadPhoto, NotAnImage) {
  TemporaryFolder folder;
  expect_one_failure(folder, folder.file("text.jpg", "This is a letter.\n"), "not an image");
  expect_one_failure(folder, folder.file("zeros.png", std::string(4096, '\0')), "not an image");
  expect_one_failure(
      folder, folder.file("page.jpg", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
      "svg");
}

TEST(BadPhoto, TruncatedAtAnyPoint) {
  TemporaryFolder folder;
  const std::string jpeg = example_photo("cat.jpg"), png = png_photo();
  for (const size_t size : {jpeg.size() - 2000, jpeg.size() / 2, size_t{300}}) {
    expect_one_failure(folder, folder.file("short.jpg", jpeg.substr(0, size)), "");
  }
  expect_one_failure(folder, folder.file("short.png", png.substr(0, png.size() / 2)), "");
}

TEST(BadPhoto, AHeaderThatAnnouncesHugeDimensions) {
  TemporaryFolder folder;
  expect_one_failure(folder, folder.file("huge.png", png_header(100000, 100000)), "100000");
  expect_one_failure(folder, folder.file("wide.png", png_header(0x7fffffff, 0x7fffffff)), "");
  expect_one_failure(folder, folder.file("hollow.png", png_header(1000, 1000)), "");
}

TEST(BadPhoto, Unreadable) {
  TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  const std::string locked = folder.file("locked.jpg", jpeg_photo());
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  const std::filesystem::path model = tiny_model();
  std::filesystem::permissions(model.parent_path(), std::filesystem::perms(0755));
  std::filesystem::permissions(model, std::filesystem::perms(0644));
  Surroundings nobody;
  nobody.unprivileged = true;
  expect_one_failure(folder, locked, "Permission denied", nobody);
}

TEST(BadPhoto, AFolderWithoutPhotos) {
  TemporaryFolder folder;
  const std::string album = folder.folder("album");
  folder.file("album/notes.txt", "nothing here");
  expect_one_failure(folder, album, "no photographs");
}

TEST(BadPhoto, ANameThatWouldSteerTheTerminalIsSpelledOut) {
  TemporaryFolder folder;
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), folder.file("a\n\x1b[2J.jpg")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), ElementsAre(HasSubstr("a\\n\\x1b[2J.jpg: ")));
}

TEST(BadPhoto, WhenEveryFileFailsEachHasItsLine) {
  TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) folder.file(name);
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), folder.path(), "/no/such/folder"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), SizeIs(4));
}

TEST(BadPhoto, NothingIsDrawnForABadPhotoAndTheSheetsOfTheOthersAre) {
  TemporaryFolder folder;
  const std::string good = folder.file("good.png", png_photo()), bad = folder.file("bad.jpg", "no");
  const std::string maps = folder / "maps";
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", maps, bad, good});
  EXPECT_EQ(outcome.exit_code, 2);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(maps))
    names.push_back(entry.path().filename());
  EXPECT_THAT(names, ElementsAre("good.maps.png"));
}

}  // namespace
}  // namespace attend
