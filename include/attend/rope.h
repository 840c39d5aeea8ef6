// Rotary position embedding: queries and keys are turned by angles that grow with their position, so that a
// score depends on how far apart the two stand, and not on where (Su et al. 2021, "RoFormer: Enhanced
// Transformer with Rotary Position Embedding").
//
// A row x of D features at position p is cut into R / 2 pairs, for a rotated width R <= D; pair r has an
// angle of its own, and the features from R on pass through:
//
//   y_a = x_a cos(p, r) - x_b sin(p, r)        kHalfSplit:   (a, b) = (r, r + R / 2)
//   y_b = x_b cos(p, r) + x_a sin(p, r)        kInterleaved: (a, b) = (2 r, 2 r + 1)
//
// With cos and sin of the angle p f_r, the product of a query at m and a key at n is a function of m - n. The
// two layouts differ by a permutation of the features that a model's weights were trained with, and cannot be
// told apart from the shapes: Hugging Face's Llama, Mistral, Qwen and GPT-NeoX are half split; GPT-J,
// RoFormer and Llama's weights as first published are interleaved.
//
// Cosines and sines are tables of the caller's, so that any schedule of angles will do: another base, linear
// scaling, NTK-aware scaling, YaRN with its magnitude. rope_table() fills the common ones.
//
// Where it is applied:
//  * attention() and attention_backward() take `rope` among their options. Queries and keys are turned on
//    their way to the products, a tile at a time; nothing is stored, and gradients are those of the rows as
//    they were given.
//  * kv_append() takes `rope` with new tokens and stores keys that are turned already, before they are
//    rounded to the cache's type; attention_decode() takes `rope` for its queries alone. Each key is turned
//    once in its life.
//  * rope() turns the rows of any tensor.
#ifndef ATTEND_ROPE_H_
#define ATTEND_ROPE_H_

#include <cstdint>
#include <span>

#include "attend/executor.h"
#include "attend/status.h"
#include "attend/tensor.h"

namespace attend {

/// Which two features make a pair.
enum class RopeLayout : uint8_t {
  kHalfSplit,    // r and r + R / 2
  kInterleaved,  // 2 r and 2 r + 1
};

/// How rows are turned: by row p of the tables for a row at position p. A default-constructed one is absent.
/// The tables are float32 (float64 for rows of float64), of one shape, any stride between their rows; they
/// need not be of unit magnitude. A position must have a row in them, so that it lies in [0, P).
struct Rope {
  RopeLayout layout = RopeLayout::kHalfSplit;
  TensorView cos = {}, sin = {};  // [1, 1, P, R / 2]    1 <= R / 2, R <= D

  bool present() const { return cos.present() || sin.present(); }
};

/// What rope() turns.
struct RopeTensors {
  TensorView input = {};          // [B, H, T, D]   float32, bfloat16, float16 or float64; 1 <= D <= 1024
  MutableTensorView output = {};  // [B, H, T, D]   of the input's type; may be the input, in place
};

struct RopeOptions {
  Rope rope = {};

  /// Where the rows of each batch row stand: B * T positions, row-major, or T that all batch rows share.
  /// Empty: row t at position t.
  std::span<const int64_t> positions = {};

  /// Turns back: by the transpose of the rotation, which is its inverse where cos^2 + sin^2 = 1, and takes
  /// gradients of turned rows to gradients of the rows.
  bool transposed = false;
};

/// output = input, turned. 16-bit rows are computed in float32 and rounded once, to nearest, ties to even.
/// The bits are the same on every instruction set and for any number of workers. Allocates nothing. On an
/// error nothing has been written, and the message names the argument, the axis and both numbers. Errors:
/// kInvalidArgument (shapes, strides, overlap, a position without a row in the tables); kUnsupported (types).
Status rope(const RopeTensors& tensors, const RopeOptions& options, Executor& executor);

/// The angles of a table: position p turns pair r by
///
///   p * position_scale * f_r        f_r = frequencies[r], or base^(-2 r / R)
struct RopeTableOptions {
  double base = 10000;
  /// 1 / factor is linear scaling: positions are squeezed into the range that a model was trained on.
  double position_scale = 1;
  /// R / 2 numbers in place of the base: NTK by parts, YaRN, Llama 3. Empty: from the base.
  std::span<const double> frequencies = {};
  /// Multiplies cosines and sines: YaRN's temperature.
  double magnitude = 1;
};

/// What rope_table() fills: row p for position p. float32 or float64, in one type and shape.
struct RopeTable {
  MutableTensorView cos = {}, sin = {};  // [1, 1, P, R / 2]
};

/// Computed in float64 and rounded once. Errors: kInvalidArgument (shapes, overlap, a base that is not
/// positive, a number that is not finite, frequencies that are not R / 2); kUnsupported (types).
Status rope_table(const RopeTableOptions& options, const RopeTable& table);

}  // namespace attend

#endif  // ATTEND_ROPE_H_
