#include "captioner/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "captioner/model_file_testing.h"
#include "captioner/sheet_layout.h"
#include "drawing/image_file.h"
#include "drawing/label.h"
#include "vision/resize.h"

namespace attend {
namespace {

using namespace testing;
using ::testing::HasSubstr;

Photo grey(int width, int height, uint8_t level = 128) {
  return {width, height,
          std::vector<uint8_t>(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height), level)};
}

Caption caption_of(const std::vector<std::string>& words, int grid = 3) {
  Caption caption;
  caption.grid = grid;
  const size_t patches = static_cast<size_t>(grid) * static_cast<size_t>(grid);
  for (size_t w = 0; w < words.size(); ++w) {
    std::vector<float> map(patches);
    map[w % patches] = 1;
    caption.words.push_back({words[w], 0.5, map});
  }
  return caption;
}

/// The mean of the pixels of a rectangle.
double brightness(const Photo& photo, int left, int top, int width, int height) {
  double sum = 0;
  for (int y = top; y < top + height; ++y) {
    for (int x = 3 * left; x < 3 * (left + width); ++x) {
      sum +=
          photo.rgb[static_cast<size_t>(y) * 3 * static_cast<size_t>(photo.width) + static_cast<size_t>(x)];
    }
  }
  return sum / (3.0 * width * height);
}

TEST(SheetLayout, TilesHaveThePhotosProportionsAndTheSheetIsNearFourToThree) {
  for (const auto& [width, height] :
       {std::pair{640, 480}, {480, 640}, {1000, 1000}, {4000, 500}, {300, 2400}, {7, 5}}) {
    for (const int tiles : {2, 5, 9, 13, 25}) {
      const SheetLayout layout = lay_out_sheet(width, height, tiles, 320);
      EXPECT_EQ(std::max(layout.tile_width, layout.tile_height), 320);
      EXPECT_NEAR(layout.tile_width * height, layout.tile_height * width, std::max(width, height));
      EXPECT_GE(layout.columns * layout.rows, tiles);
      EXPECT_LT(layout.columns * (layout.rows - 1), tiles);
      for (int i = 0; i < tiles; ++i) {
        EXPECT_GE(layout.tile_left(i), layout.cell_left(i));
        EXPECT_LE(layout.tile_left(i) + layout.tile_width, layout.cell_left(i) + layout.cell_width);
        EXPECT_LE(layout.cell_left(i) + layout.cell_width + layout.margin, layout.width());
        EXPECT_LE(layout.tile_top(i) + layout.tile_height + layout.label_height + layout.margin,
                  layout.height());
        if (i > 0 && layout.tile_top(i) == layout.tile_top(i - 1)) {
          EXPECT_GE(layout.cell_left(i), layout.cell_left(i - 1) + layout.cell_width);
        }
      }
      // No other number of columns comes closer.
      const auto off = [](int w, int h) { return std::abs(std::log(w / (h * 4.0 / 3.0))); };
      for (int columns = 1; columns <= tiles; ++columns) {
        SheetLayout other = layout;
        other.columns = columns;
        other.rows = (tiles + columns - 1) / columns;
        EXPECT_LE(off(layout.width(), layout.height()), off(other.width(), other.height()) + 1e-12);
      }
    }
  }
}

TEST(ContactSheet, ShowsThePhotoThenATileForEveryWord) {
  Photo photo = grey(200, 100);
  for (size_t i = 0; i < photo.rgb.size(); i += 7) photo.rgb[i] = 10;
  const Caption caption = caption_of({"a", "dog", "runs", "on", "grass"});
  const Result<Photo> sheet = contact_sheet(photo, caption, {.tile_side = 90});
  ASSERT_TRUE(sheet.ok()) << sheet.status().message();
  const SheetLayout layout = lay_out_sheet(200, 100, 6, 90);
  ASSERT_EQ(sheet.value().width, layout.width());
  ASSERT_EQ(sheet.value().height, layout.height());
  const Photo tile = resize_bicubic(photo, 90, 45);
  for (int y = 0; y < 45; ++y) {
    const uint8_t* row =
        sheet.value().rgb.data() + 3 * ((layout.tile_top(0) + y) * sheet.value().width + layout.tile_left(0));
    EXPECT_TRUE(std::equal(row, row + 270, tile.rgb.data() + 270 * y)) << "row " << y;
  }
  for (int i = 1; i < 6; ++i) {
    // Word i looked at patch i - 1 alone: its third of the tile is the brightest.
    const auto patch = [&](int p) {
      return brightness(sheet.value(), layout.tile_left(i) + p % 3 * 30, layout.tile_top(i) + p / 3 * 15, 30,
                        15);
    };
    for (int p = 0; p < 9; ++p) {
      if (p == i - 1) continue;
      EXPECT_GT(patch(i - 1), patch(p)) << "word " << i << ", patch " << p;
    }
    const double band =
        brightness(sheet.value(), layout.cell_left(i), layout.tile_top(i) + layout.tile_height,
                   layout.cell_width, layout.label_height);
    EXPECT_LT(band, 254.5) << "no ink below word " << i;
  }
  const double below_photo =
      brightness(sheet.value(), layout.cell_left(0), layout.tile_top(0) + layout.tile_height,
                 layout.cell_width, layout.label_height);
  EXPECT_EQ(below_photo, 255);
}

TEST(ContactSheet, ADiffuseWordHasNoHotSpot) {
  Caption caption = caption_of({"dog", "of"});
  caption.words[1].attention.assign(9, 1.0f / 9);
  caption.words[1].attention[4] += 0.01f;
  const Result<Photo> sheet = contact_sheet(grey(90, 90), caption, {.tile_side = 90});
  ASSERT_TRUE(sheet.ok());
  const SheetLayout layout = lay_out_sheet(90, 90, 3, 90);
  for (int y = 0; y < 90; y += 9) {
    for (int x = 0; x < 90; x += 9) {
      EXPECT_NEAR(brightness(sheet.value(), layout.tile_left(2) + x, layout.tile_top(2) + y, 9, 9), 0.4 * 128,
                  0.6);
    }
  }
}

TEST(ContactSheet, WhatTheModelDoesNotSeeIsDark) {
  const Photo photo = grey(200, 100);
  Caption caption = caption_of({"dog"}, 2);
  caption.words[0].attention = {0.85f, 0.05f, 0.05f, 0.05f};
  caption.area = {0.25, 0, 0.75, 1};
  const Result<Photo> sheet = contact_sheet(photo, caption, {.tile_side = 200});
  ASSERT_TRUE(sheet.ok()) << sheet.status().message();
  const SheetLayout layout = lay_out_sheet(200, 100, 2, 200);
  const int left = layout.tile_left(1), top = layout.tile_top(1);
  const double outside = brightness(sheet.value(), left, top, 48, 100);
  EXPECT_EQ(outside, brightness(sheet.value(), left + 152, top, 48, 100));
  EXPECT_GT(brightness(sheet.value(), left + 52, top, 48, 50), outside + 10);
  for (const CaptionArea area : {CaptionArea{-0.1, 0, 1, 1}, {0, 0.5, 1, 0.5}, {0, 0, 1, 1.5}}) {
    caption.area = area;
    EXPECT_THAT(contact_sheet(photo, caption).status().message(), HasSubstr("is no part of a photo"));
  }
}

TEST(ContactSheet, APhotoWithoutWordsIsASheetOfOneTile) {
  const Result<Photo> sheet = contact_sheet(grey(40, 80), caption_of({}));
  ASSERT_TRUE(sheet.ok());
  EXPECT_EQ(sheet.value().height, lay_out_sheet(40, 80, 1, 320).height());
}

TEST(ContactSheet, WhatCannotBeDrawnIsNamed) {
  Caption bare = caption_of({"a", "dog"});
  bare.words[1].attention.clear();
  EXPECT_THAT(contact_sheet(grey(8, 8), bare).status().message(),
              HasSubstr("\"dog\" has a map of 0 patches where the grid has 9"));
  EXPECT_THAT(contact_sheet(Photo{}, caption_of({"a"})).status().message(), HasSubstr("0 x 0 pixels"));
  EXPECT_THAT(contact_sheet(grey(8, 8), caption_of({"a"}), {.tile_side = 5}).status().message(),
              HasSubstr("tile_side is 5"));
  EXPECT_THAT(write_contact_sheet("/somewhere/x.png", grey(8, 8), bare).message(),
              HasSubstr("/somewhere/x.png: "));
}

TEST(ContactSheet, IsWrittenAsPngAndJpegByItsName) {
  const TemporaryFolder folder;
  const Photo photo = grey(60, 40);
  const Caption caption = caption_of({"a", "man's", "dög"});
  const Photo drawn = contact_sheet(photo, caption).value();
  ASSERT_TRUE(write_contact_sheet(folder / "sheet.png", photo, caption).ok());
  EXPECT_EQ(load_photo(folder / "sheet.png").value().rgb, drawn.rgb);
  ASSERT_TRUE(write_contact_sheet(folder / "sheet.JPEG", photo, caption).ok());
  const Photo jpeg = load_photo(folder / "sheet.JPEG").value();
  ASSERT_EQ(jpeg.rgb.size(), drawn.rgb.size());
  double difference = 0;
  for (size_t i = 0; i < jpeg.rgb.size(); ++i) difference += std::abs(jpeg.rgb[i] - drawn.rgb[i]);
  EXPECT_LT(difference / static_cast<double>(jpeg.rgb.size()), 3);
  EXPECT_EQ(file_bytes(folder / "sheet.JPEG").substr(0, 3), "\xff\xd8\xff");
}

TEST(ImageFile, OtherNamesAndWrongPixelsAreRefused) {
  const TemporaryFolder folder;
  for (const std::string name : {"sheet.webp", "sheet", "sheet.png.bak", ".hidden/x"}) {
    const Status status = write_image(folder / name, grey(4, 4));
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << name;
    EXPECT_THAT(status.message(), HasSubstr(folder / name));
  }
  Photo wrong = grey(4, 4);
  wrong.width = 5;
  EXPECT_EQ(write_image(folder / "x.png", wrong).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(write_image(folder / "x.png", Photo{}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(write_image(folder / "absent/x.png", grey(4, 4)).code(), StatusCode::kNotFound);
  std::filesystem::create_directory(folder / "taken.png");
  EXPECT_EQ(write_image(folder / "taken.png", grey(4, 4)).code(), StatusCode::kIo);
  std::filesystem::remove(folder / "taken.png");
  EXPECT_TRUE(folder.empty());
}

TEST(ImageFile, ADiskThatFillsUpLeavesNothingBehind) {
  const TemporaryFolder folder;
  Photo noise = grey(64, 64);
  for (size_t i = 0; i < noise.rgb.size(); ++i)
    noise.rgb[i] = static_cast<uint8_t>(RandomKey(1).below(i, 256));
  // A process that may write no more than 1000 bytes to a file meets the error that a full disk gives.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = write_image(folder / "sheet.png", noise);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_THAT(status.message(), HasSubstr("sheet.png"));
  EXPECT_TRUE(folder.empty());
}

TEST(Label, WordsStandOnOneBaselineAndFitTheirWidth) {
  const Label plain = render_label("ace", 22, 200), tall = render_label("Ädgjpq|", 22, 200);
  ASSERT_GT(plain.width, 0);
  EXPECT_EQ(plain.height, tall.height);
  EXPECT_NEAR(plain.height, 22, 4);
  for (const Label& label : {plain, tall}) {
    EXPECT_EQ(label.ink.size(), static_cast<size_t>(label.width * label.height));
    EXPECT_GT(*std::ranges::max_element(label.ink), 200);
  }
  const Label cut = render_label("incomprehensibilities and more", 22, 60);
  EXPECT_LE(cut.width, 60);
  EXPECT_GT(cut.width, 30);
  EXPECT_EQ(cut.height, plain.height);
}

TEST(Label, TextIsTextAndNoMarkup) {
  const Label label = render_label("<b>&amp;</b>", 22, 400), shorter = render_label("&", 22, 400);
  EXPECT_GT(label.width, 4 * shorter.width);
  EXPECT_EQ(render_label("", 22, 100).width, 0);
  EXPECT_EQ(render_label("two\nlines", 22, 400).height, shorter.height);
}

}  // namespace
}  // namespace attend
