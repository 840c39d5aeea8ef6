// Where the results go: standard output that nobody reads or that is full, folders for maps, full disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
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
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void expect_png(const std::string& path) {
  const std::string content = content_of(path);
  EXPECT_THAT(content, StartsWith("\x89PNG\r\n\x1a\n")) << path;
  EXPECT_THAT(content, HasSubstr("IEND")) << path;
}

TEST(StandardOutput, ThatNobodyCanReceiveIsOneLineAndExitCodeTwo) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.png", png_photo()), b = folder.file("b.png", png_photo());
  using Output = Surroundings::Output;
  for (const Output output : {Output::kClosedPipe, Output::kClosed, Output::kFullDisk}) {
    Surroundings surroundings;
    surroundings.output = output;
    for (const auto& arguments :
         {std::vector<std::string>{"caption", "--model", tiny_model(), a, b},
          std::vector<std::string>{"info", "--model", tiny_model()}, std::vector<std::string>{"--help"}}) {
      const Outcome outcome = run_attend(arguments, surroundings);
      EXPECT_EQ(outcome.exit_code, 2);
      EXPECT_THAT(lines_of(outcome.err), ElementsAre(StartsWith("attend: standard output: ")));
    }
  }
}

TEST(StandardOutput, ThatWasClosedDoesNotEndUpInAnotherFile) {
  TemporaryFolder folder;
  Surroundings closed;
  closed.output = Surroundings::Output::kClosed;
  const std::string a = folder.file("a.png", png_photo()), maps = folder / "maps";
  run_attend({"caption", "--model", tiny_model(), "--maps", maps, a}, closed);
  EXPECT_EQ(content_of(a), png_photo());
  expect_png(maps + "/a.maps.png");
}

TEST(Maps, EachPhotoGetsASheetInAFolderMadeForIt) {
  TemporaryFolder folder;
  const std::string cat = folder.file("cat.jpg", example_photo("cat.jpg")),
                    grey = folder.file("grey é.png", grey_png_photo());
  const std::string maps = folder / "some/new/folder";
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", maps, cat, grey});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(lines_of(outcome.out), SizeIs(2));
  EXPECT_THAT(names_in(maps), UnorderedElementsAre("cat.maps.png", "grey é.maps.png"));
  expect_png(maps + "/cat.maps.png");
  expect_png(maps + "/grey é.maps.png");
}

TEST(Maps, PhotosOfOneNameGetSheetsOfTheirOwnAndAnotherRunGivesTheSameFiles) {
  TemporaryFolder folder;
  folder.folder("x");
  folder.file("a.png", png_photo());
  folder.file("a.jpg", jpeg_photo());
  folder.file("x/a.png", example_photo("cat.jpg"));
  const std::string maps = folder / "maps";
  for (int run = 0; run < 2; ++run) {
    const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", maps, folder / "a.png",
                                        folder / "a.jpg", folder / "x"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(names_in(maps), UnorderedElementsAre("a.maps.png", "a-2.maps.png", "a-3.maps.png"));
  }
}

TEST(Maps, BesideThePhotosNoPhotoIsTouched) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", folder.path(), photo});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(content_of(photo), png_photo());
  EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre("a.png", "a.maps.png"));
}

TEST(Maps, BesideThePhotosAreNoPhotosOfTheNextRun) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  for (int run = 0; run < 2; ++run) {
    const Outcome outcome =
        run_attend({"caption", "--model", tiny_model(), "--maps", folder.path(), folder.path()});
    EXPECT_THAT(lines_of(outcome.out), ElementsAre(StartsWith(photo + "\t")));
    EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre("a.png", "a.maps.png"));
  }
  const std::string sheet = folder / "a.maps.png";  // named, it is a photo as any other
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), photo, sheet});
  EXPECT_THAT(lines_of(outcome.out), ElementsAre(StartsWith(photo), StartsWith(sheet)));
}

TEST(Maps, JsonRowsSayWhereTheSheetIs) {
  TemporaryFolder folder;
  const std::string photo = folder.file(std::string(240, 'n') + ".png", png_photo()), maps = folder / "maps";
  const Outcome outcome =
      run_attend({"caption", "--model", tiny_model(), "--maps", maps, photo, "--format", "jsonl"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string sheet = nlohmann::json::parse(outcome.out)["maps"];
  EXPECT_EQ(sheet, maps + "/" + std::string(240, 'n') + ".maps.png");
  expect_png(sheet);
}

TEST(Maps, AFolderThatCannotBeMadeIsOneLine) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo()), maps = folder.file("file") + "/maps";
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", maps, photo});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), ElementsAre(StartsWith("attend: " + maps + ": ")));
}

/// What a run must do when no sheet can be written: say so once a photo, caption all the same, leave nothing
/// behind.
void expect_failed_sheets(const Outcome& outcome, const std::string& a, const std::string& b) {
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(lines_of(outcome.out), ElementsAre(StartsWith(a + "\t"), StartsWith(b + "\t")));
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(AllOf(StartsWith("attend: " + a + ": "), HasSubstr("a.maps.png")),
                          AllOf(StartsWith("attend: " + b + ": "), HasSubstr("b.maps.png"))));
}

TEST(Maps, AWriteThatStopsHalfWayLeavesWhatWasThere) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.jpg", example_photo("cat.jpg")), b = folder.file("b.png", png_photo());
  const std::string maps = folder.folder("maps");
  folder.file("maps/a.maps.png", "an older sheet");
  Surroundings full;
  full.largest_file = 2048;
  expect_failed_sheets(run_attend({"caption", "--model", tiny_model(), "--maps", maps, a, b}, full), a, b);
  EXPECT_THAT(names_in(maps), ElementsAre("a.maps.png"));
  EXPECT_EQ(content_of(maps + "/a.maps.png"), "an older sheet");
}

TEST(Maps, AFullDiskLeavesNothingHalfWritten) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.jpg", example_photo("cat.jpg")), b = folder.file("b.png", png_photo());
  const std::string disk = folder.folder("disk");
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4k") != 0) {
    GTEST_SKIP() << "cannot mount a small disk here: " << std::strerror(errno);
  }
  const Outcome outcome = run_attend({"caption", "--model", tiny_model(), "--maps", disk, a, b});
  const std::vector<std::string> left = names_in(disk);
  umount(disk.c_str());
  expect_failed_sheets(outcome, a, b);
  EXPECT_THAT(left, IsEmpty());
}

}  // namespace
}  // namespace attend
