#include "cli/photo_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> found(const std::vector<std::string>& arguments, bool recursive = false) {
  std::vector<std::string> paths;
  for (const PhotoPath& photo : find_photos(arguments, recursive)) {
    EXPECT_TRUE(photo.status.ok()) << photo.status.message();
    paths.push_back(photo.path);
  }
  return paths;
}

Status only_error(const std::string& argument, bool recursive = false) {
  const std::vector<PhotoPath> photos = find_photos(std::vector<std::string>{argument}, recursive);
  EXPECT_EQ(photos.size(), 1u);
  return photos.empty() ? Status() : photos.front().status;
}

TEST(PhotoPaths, ExtensionsAreKnownInAnyCase) {
  EXPECT_TRUE(has_photo_extension("a.jpg"));
  EXPECT_TRUE(has_photo_extension("folder.d/IMG_0001.JPeG"));
  EXPECT_TRUE(has_photo_extension("a.tar.HEIC"));
  EXPECT_FALSE(has_photo_extension("a.txt"));
  EXPECT_FALSE(has_photo_extension("photos.jpg/readme"));
  EXPECT_FALSE(has_photo_extension("jpg"));
  EXPECT_FALSE(has_photo_extension("a."));
  EXPECT_FALSE(has_photo_extension(""));
}

TEST(PhotoPaths, AFileThatIsNamedIsTakenWhateverItsExtension) {
  TemporaryFolder folder;
  const std::string b = folder.file("b.scan"), a = folder.file(".a.jpg");
  EXPECT_THAT(found({b, a, b}), ElementsAre(b, a, b));
}

TEST(PhotoPaths, AFolderGivesItsPhotosInTheOrderOfTheirNames) {
  TemporaryFolder folder;
  for (const char* name :
       {"b.PNG", "a 2.jpg", "a\n1.jpg", "Z.webp", "été.jpg", "notes.txt", ".hidden.jpg", "jpg"}) {
    folder.file(name);
  }
  folder.folder("below");
  folder.file("below/c.jpg");
  EXPECT_THAT(found({folder.path()}), ElementsAre(folder / "Z.webp", folder / "a\n1.jpg", folder / "a 2.jpg",
                                                  folder / "b.PNG", folder / "été.jpg"));
}

TEST(PhotoPaths, RecursionLooksBelowInOrder) {
  TemporaryFolder folder;
  folder.folder("b/deep/er");
  folder.folder(".thumbnails");
  for (const char* name : {"a.jpg", "b/x.jpg", "b/deep/er/y.jpg", "c.jpg", ".thumbnails/t.jpg"})
    folder.file(name);
  EXPECT_THAT(found({folder.path()}), ElementsAre(folder / "a.jpg", folder / "c.jpg"));
  EXPECT_THAT(found({folder.path()}, true), ElementsAre(folder / "a.jpg", folder / "b/deep/er/y.jpg",
                                                        folder / "b/x.jpg", folder / "c.jpg"));
}

TEST(PhotoPaths, ATrailingSlashIsNotDoubled) {
  TemporaryFolder folder;
  folder.file("a.jpg");
  EXPECT_THAT(found({folder.path() + "/"}), ElementsAre(folder / "a.jpg"));
}

TEST(PhotoPaths, LinksToFilesAreFollowedAndCirclesAreNot) {
  TemporaryFolder folder;
  folder.folder("album");
  folder.file("album/a.jpg");
  std::filesystem::create_directory_symlink(folder.path(), folder / "album/up");
  std::filesystem::create_directory_symlink("album", folder / "same");
  std::filesystem::create_symlink("album/a.jpg", folder / "link.jpg");
  EXPECT_THAT(found({folder.path()}, true), ElementsAre(folder / "album/a.jpg", folder / "link.jpg"));
}

TEST(PhotoPaths, ALinkThatLeadsNowhereIsAnError) {
  TemporaryFolder folder;
  std::filesystem::create_symlink("gone", folder / "link.jpg");
  std::filesystem::create_symlink("gone", folder / "link.txt");
  const Status status = only_error(folder.path());
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), StartsWith(folder / "link.jpg"));
}

TEST(PhotoPaths, WhatDoesNotExistIsNamed) {
  const Status status = only_error("/no/such/photo.jpg");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "/no/such/photo.jpg: No such file or directory");
}

TEST(PhotoPaths, AFolderWithoutPhotosIsAnError) {
  TemporaryFolder folder;
  folder.file("notes.txt");
  EXPECT_EQ(only_error(folder.path()).message(),
            folder.path() + ": no photographs in this folder (--recursive looks below it)");
  EXPECT_THAT(only_error(folder.path(), true).message(), HasSubstr("or below it"));
}

// Root may read everything: for the life of this object the process is nobody in particular.
class Unprivileged {
 public:
  Unprivileged() : changed_(geteuid() == 0 && seteuid(65534) == 0) {}
  ~Unprivileged() {
    if (changed_ && seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }

 private:
  bool changed_;
};

TEST(PhotoPaths, AFolderThatCannotBeReadIsAnErrorAndTheOthersAreStillFound) {
  TemporaryFolder folder;
  const std::string locked = folder.folder("locked"), photo = folder.file("a.jpg");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  std::vector<PhotoPath> photos;
  {
    Unprivileged nobody;
    photos = find_photos(std::vector<std::string>{folder.path()}, true);
  }
  std::filesystem::permissions(locked, std::filesystem::perms::owner_all);
  ASSERT_EQ(photos.size(), 2u);
  EXPECT_EQ(photos[0].path, photo);
  EXPECT_EQ(photos[1].status.message(), locked + ": Permission denied");
}

TEST(PhotoPaths, ContactSheetsArePassedOverUnlessTheyAreNamed) {
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png"), sheet = folder.file("a.maps.png");
  EXPECT_THAT(found({folder.path()}), ElementsAre(photo));
  EXPECT_THAT(found({sheet}), ElementsAre(sheet));
  EXPECT_THAT(found({"-"}), ElementsAre("-"));
}

TEST(PhotoPaths, OneFolderNamedTwiceIsWalkedTwice) {
  TemporaryFolder folder;
  const std::string a = folder.file("a.jpg");
  EXPECT_THAT(found({folder.path(), folder.path()}), ElementsAre(a, a));
  EXPECT_THAT(found({}), IsEmpty());
}

}  // namespace
}  // namespace attend
