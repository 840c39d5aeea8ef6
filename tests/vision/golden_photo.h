// Photographs stored as byte tensors in golden files.
#ifndef ATTEND_TESTS_VISION_GOLDEN_PHOTO_H_
#define ATTEND_TESTS_VISION_GOLDEN_PHOTO_H_

#include <gtest/gtest.h>

#include <string>

#include "checkpoint/safetensors.h"
#include "vision/photo.h"

namespace attend {

/// Opens tests/golden/`name`; a missing golden fails the test.
inline Safetensors open_golden(const std::string& name) {
  Result<Safetensors> file = Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/" + name);
  EXPECT_TRUE(file.ok()) << file.status().message();
  return std::move(file).value();
}

/// The U8 tensor [height, width, 3] called `name`.
inline Photo golden_photo(const Safetensors& file, const std::string& name) {
  const CheckpointTensor& tensor = file.tensors().at(name);
  EXPECT_EQ(tensor.dtype, "U8");
  Photo photo{static_cast<int>(tensor.shape.at(1)), static_cast<int>(tensor.shape.at(0)), {}};
  for (const std::byte b : tensor.bytes) photo.rgb.push_back(static_cast<uint8_t>(b));
  return photo;
}

}  // namespace attend

#endif  // ATTEND_TESTS_VISION_GOLDEN_PHOTO_H_
