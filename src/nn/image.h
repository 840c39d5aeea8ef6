// Images of activations, as convolutions take and give them.
#ifndef ATTEND_NN_IMAGE_H_
#define ATTEND_NN_IMAGE_H_

#include <algorithm>
#include <cstdint>

namespace attend {

/// A dense batch of images, channels innermost: [batch, height, width, channels]. Seen as a matrix, one row a
/// pixel: what a convolution writes is what attention reads, without a copy.
struct ImageShape {
  int64_t batch = 1;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;

  int64_t pixels() const { return batch * height * width; }
  int64_t size() const { return pixels() * channels; }
  bool operator==(const ImageShape&) const = default;
};

/// Zeros around an image.
struct Padding2d {
  int64_t top = 0;
  int64_t left = 0;
  int64_t bottom = 0;
  int64_t right = 0;
};

/// TensorFlow's "SAME": the output has ceil(extent / stride) pixels a side. Where the zeros needed are odd in
/// number, the larger half goes below and to the right.
inline Padding2d same_padding(const ImageShape& input, int64_t kernel, int64_t stride) {
  const auto zeros = [&](int64_t extent) {
    const int64_t outputs = (extent + stride - 1) / stride;
    return std::max<int64_t>((outputs - 1) * stride + kernel - extent, 0);
  };
  const int64_t rows = zeros(input.height), columns = zeros(input.width);
  return {rows / 2, columns / 2, rows - rows / 2, columns - columns / 2};
}

}  // namespace attend

#endif  // ATTEND_NN_IMAGE_H_
