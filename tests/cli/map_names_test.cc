#include "cli/map_names.h"

#include <gtest/gtest.h>

namespace attend {
namespace {

TEST(MapNames, FollowThePhotosName) {
  MapNames names;
  EXPECT_EQ(names.name_for("holiday/beach.jpg"), "beach.maps.png");
  EXPECT_EQ(names.name_for("IMG.0001.JPG"), "IMG.0001.maps.png");
  EXPECT_EQ(names.name_for("scan"), "scan.maps.png");
  EXPECT_EQ(names.name_for("été 海\n.png"), "été 海\n.maps.png");
}

TEST(MapNames, PhotosOfOneNameGetNamesOfTheirOwn) {
  MapNames names;
  EXPECT_EQ(names.name_for("a/beach.jpg"), "beach.maps.png");
  EXPECT_EQ(names.name_for("a/beach-2.jpg"), "beach-2.maps.png");
  EXPECT_EQ(names.name_for("b/beach.png"), "beach-3.maps.png");
  EXPECT_EQ(names.name_for("a/beach.jpg"), "beach-4.maps.png");
}

TEST(MapNames, AreNoLongerThanFileSystemsTake) {
  MapNames names;
  const std::string photo = std::string(251, 'n') + ".jpg";
  EXPECT_EQ(names.name_for(photo), std::string(246, 'n') + ".maps.png");
  EXPECT_EQ(names.name_for(photo), std::string(244, 'n') + "-2.maps.png");
}

TEST(MapNames, ASheetNeverTakesThePlaceOfItsPhoto) {
  MapNames names;
  EXPECT_EQ(names.name_for("beach.png"), "beach.maps.png");
  EXPECT_EQ(names.name_for("dunes.maps.png"), "dunes.maps.maps.png");
}

}  // namespace
}  // namespace attend
