// One attention problem with random operands, every gap around them filled with NaN, and its answers: by the
// kernel of an instruction set, by the plain float32 method, and by the float64 reference.
#ifndef ATTEND_TESTS_ATTENTION_ATTENTION_CASE_H_
#define ATTEND_TESTS_ATTENTION_ATTENTION_CASE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include "attend/attention.h"
#include "attention/sizes.h"
#include "base/random.h"

namespace attend {

enum class Layout {
  kDense,           // [B, H, T, width]
  kTimeMajor,       // [B, T, H, width]
  kGaps,            // dense with gaps after rows, heads and batch rows
  kBroadcastBatch,  // one batch row that all share; inputs only
  kTransposed,      // [B, H, width, T]
};

/// Owns a tensor in a layout. The memory starts at an address that is not a multiple of any vector, and
/// whatever is not an element is NaN.
template <class T>
class PaddedTensor {
 public:
  PaddedTensor() = default;
  PaddedTensor(const Shape& shape, Layout layout);

  T& at(int64_t b, int64_t h, int64_t t, int64_t d) { return data()[index(b, h, t, d)]; }
  T at(int64_t b, int64_t h, int64_t t, int64_t d) const { return data()[index(b, h, t, d)]; }
  TensorView view() const { return {data() + kLead, DTypeOf<T>::value, shape_, stride_}; }
  MutableTensorView view() { return {data() + kLead, DTypeOf<T>::value, shape_, stride_}; }
  const Shape& shape() const { return shape_; }

  void fill_normal(RandomKey key);
  void fill(T value);
  bool present() const { return !memory_.empty(); }
  /// The elements in the order of the shape.
  std::vector<T> elements() const;
  void set_elements(const std::vector<T>& elements);
  /// How many numbers that are not elements are no longer NaN.
  int64_t disturbed_gaps() const;

  /// The same elements in the same places.
  template <class U>
  PaddedTensor<U> as() const;

 private:
  template <class U>
  friend class PaddedTensor;
  static constexpr size_t kLead = 3;  // elements before the first: 12 or 24 bytes off any alignment
  size_t index(int64_t b, int64_t h, int64_t t, int64_t d) const {
    return kLead + static_cast<size_t>(b * stride_[0] + h * stride_[1] + t * stride_[2] + d * stride_[3]);
  }

  T* data() { return reinterpret_cast<T*>(memory_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(memory_.data()); }

  Shape shape_ = {0, 0, 0, 0}, stride_ = {0, 0, 0, 0};
  // std::vector<bool> would pack its elements into bits.
  std::vector<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>> memory_;
};

enum class MaskKind { kNone, kFull, kKeysOnly, kOneRowAllMasked };

/// Which axes of the bias are those of the scores; the others are 1. One in eight elements is -inf, save of
/// kOneNumber.
enum class BiasKind {
  kNone,
  kFull,       // [B, Hq, Tq, Tk]
  kHeads,      // [1, Hq, Tq, Tk]
  kQueries,    // [B, 1, Tq, 1]
  kKeys,       // [B, 1, 1, Tk]
  kOneNumber,  // [1, 1, 1, 1]
};

/// Rotary position embedding: the rotated width, 0 for none.
struct RopeSpec {
  int64_t width = 0;
  RopeLayout layout = RopeLayout::kHalfSplit;
  bool given = false;  // positions in no order, and keys past a length at -1
};

/// What distinguishes one case from another.
struct CaseSpec {
  Sizes sizes = {1, 1, 1, 1, 1, 1, 1};
  Causal causal = Causal::kNone;
  AttentionWindow window = {};
  std::vector<int64_t> offset = {};  // query_offset
  std::optional<float> scale = {};
  bool ragged = false;  // kv_lengths
  MaskKind mask = MaskKind::kNone;
  BiasKind bias = BiasKind::kNone;
  bool transposed_bias = false;  // its keys are far apart in memory
  float far_bias = 0;  // of one element in eight, and of the last query's that are not -inf; 0: none
  bool alibi = false;
  float softcap = 0;
  bool sinks = false;
  float dropout = 0;
  RopeSpec rope = {};
  Layout layout = Layout::kDense;
  float magnitude = 1;  // of the queries
  uint64_t seed = 1;
};
std::ostream& operator<<(std::ostream& out, const CaseSpec& spec);

/// What attention() wrote.
struct ForwardAnswer {
  std::vector<double> output, lse, weights, head_mean, column_sums;
  bool operator==(const ForwardAnswer&) const = default;
};

/// What attention_backward() wrote.
struct BackwardAnswer {
  std::vector<double> query, key, value, bias, sinks;
  bool operator==(const BackwardAnswer&) const = default;
};

/// The operands and the tensors among the options, in one type. What a case lacks is empty.
template <class T>
struct Operands {
  PaddedTensor<T> query, key, value, output_gradient, bias, alibi_slopes, sinks, cos, sin;
};

class AttentionCase : public Operands<float> {
 public:
  explicit AttentionCase(const CaseSpec& spec);

  const CaseSpec& spec() const { return spec_; }
  /// Borrows from the case and from `operands`.
  template <class T>
  AttentionOptions options(const Operands<T>& operands, std::optional<Isa> isa = std::nullopt) const;
  AttentionOptions options(std::optional<Isa> isa = std::nullopt) const { return options<float>(*this, isa); }
  Operands<double> in_doubles() const;

  /// By attention() on float32 operands and `isa`; fails the test on an error or a write outside the outputs.
  ForwardAnswer forward(Isa isa, Executor& executor = serial_executor()) const;
  BackwardAnswer backward(Isa isa, Executor& executor = serial_executor()) const;
  /// By the reference on the same operands in float64.
  ForwardAnswer exact_forward() const;
  BackwardAnswer exact_backward() const;

  /// The largest sum of absolute values that a gradient of each operand is the sum of: what rounding
  /// errors are relative to, where the terms cancel and the gradient itself is small.
  struct Magnitudes {
    double query = 0, key = 0, value = 0, bias = 0, sinks = 0;
  };
  Magnitudes gradient_magnitudes() const;

  bool sees(int64_t b, int64_t h, int64_t i, int64_t j) const;
  /// Whether any query of a head that reads key/value head `kv_head` sees key j.
  bool is_seen(int64_t b, int64_t kv_head, int64_t j) const;
  /// Overwrites the keys and values that no query sees.
  void poison_unseen_keys(float poison);

  /// Where query i of batch row b stands for rope, and key j.
  int64_t query_position(int64_t b, int64_t i) const;
  int64_t key_position(int64_t b, int64_t j) const;

  std::vector<int64_t> lengths;
  std::vector<int64_t> query_positions, key_positions;  // empty: one after the other
  PaddedTensor<bool> mask;

 private:
  template <class T>
  ForwardAnswer run_forward(const Operands<T>& operands, const AttentionOptions& options,
                            Executor& executor) const;
  template <class T>
  BackwardAnswer run_backward(const Operands<T>& operands, const AttentionOptions& options,
                              Executor& executor) const;

  void make_rope(RandomKey random);

  CaseSpec spec_;
};

/// The largest |actual - exact|; NaN or infinity anywhere that is not the same on both sides makes it
/// infinite.
double largest_error(const std::vector<double>& actual, const std::vector<double>& exact);

/// The root of the mean of (actual - exact)^2; infinite when a NaN or an infinity differs. For regimes in
/// which the largest error is that of a few near-ties, and says more about luck than about the method.
double typical_error(const std::vector<double>& actual, const std::vector<double>& exact);

/// The largest finite |x|.
double largest(const std::vector<double>& numbers);

/// Whether `actual` is as good as the plain float32 method: at most `factor` times its error against `exact`,
/// plus a few units in the last place of `magnitude`, for problems so small that the plain method happens to
/// be exact.
::testing::AssertionResult as_good_as_plain(const std::vector<double>& actual,
                                            const std::vector<double>& plain,
                                            const std::vector<double>& exact, double factor,
                                            double magnitude);

/// Weights of a hundred thousand pairs have some that are off by chance: the root mean square is held to
/// twice that of the plain method, and the largest error to four times.
::testing::AssertionResult weights_as_good_as_plain(const std::vector<double>& actual,
                                                    const std::vector<double>& plain,
                                                    const std::vector<double>& exact);

}  // namespace attend

#endif  // ATTEND_TESTS_ATTENTION_ATTENTION_CASE_H_
