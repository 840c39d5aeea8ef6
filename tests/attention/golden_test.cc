// Every kernel against PyTorch's attention and its gradients, with every option but dropout, whose random
// numbers are our own (golden/make_attention.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attend/attention.h"

namespace attend {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Reads numbers off a file in memory.
class Cursor {
 public:
  explicit Cursor(std::string bytes) : bytes_(std::move(bytes)) {}
  bool at_end() const { return at_ == bytes_.size(); }

  template <class T>
  std::vector<T> take(int64_t count) {
    std::vector<T> numbers(static_cast<size_t>(count));
    EXPECT_LE(at_ + numbers.size() * sizeof(T), bytes_.size());
    if (count > 0) std::memcpy(numbers.data(), bytes_.data() + at_, numbers.size() * sizeof(T));
    at_ += numbers.size() * sizeof(T);
    return numbers;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, const char* what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    // Numbers of about 1 and sums of some ten terms: a dozen units in the last place.
    EXPECT_NEAR(actual[i], expected[i], 12 * 0x1p-24 * std::max(1.0f, std::abs(expected[i])))
        << what << " " << i;
  }
}

/// The header of a case.
struct Header {
  explicit Header(Cursor& file)
      : n(file.take<int64_t>(23)), scale(file.take<double>(1)[0]), softcap(file.take<double>(1)[0]) {}

  Shape query() const { return {n[0], n[1], n[3], n[5]}; }
  Shape key() const { return {n[0], n[2], n[4], n[5]}; }
  Shape value() const { return {n[0], n[2], n[4], n[6]}; }
  Shape output() const { return {n[0], n[1], n[3], n[6]}; }
  Shape lse() const { return {n[0], n[1], n[3], 1}; }
  Shape mask() const { return n[8] != 0 ? Shape{n[0], n[1], n[3], n[4]} : Shape{}; }
  Shape bias() const { return {n[16], n[17], n[18], n[19]}; }
  Shape slopes() const { return n[14] != 0 ? Shape{1, n[1], 1, 1} : Shape{}; }
  Shape table() const { return n[20] != 0 ? Shape{1, 1, n[22], n[20] / 2} : Shape{}; }
  Shape sinks() const { return n[15] != 0 ? Shape{1, n[1], 1, 1} : Shape{}; }

  std::vector<int64_t> n;
  double scale, softcap;
};

/// Numbers and their shape; a shape of zeros is a tensor that the case lacks.
struct Tensor {
  Tensor(Cursor& file, const Shape& s) : shape(s), numbers(file.take<float>(s[0] * s[1] * s[2] * s[3])) {}
  explicit Tensor(const Tensor& like, float x) : shape(like.shape), numbers(like.numbers.size(), x) {}

  TensorView view() const { return numbers.empty() ? TensorView() : TensorView(numbers.data(), shape); }
  MutableTensorView view() {
    return numbers.empty() ? MutableTensorView() : MutableTensorView(numbers.data(), shape);
  }

  Shape shape;
  std::vector<float> numbers;
};

AttentionOptions options_of(const Header& h) {
  AttentionOptions options;
  constexpr Causal kCausal[] = {Causal::kNone, Causal::kUpperLeft, Causal::kLowerRight, Causal::kQueryOffset};
  options.causal = kCausal[h.n[7]];
  options.window = {h.n[10], h.n[11]};
  if (h.n[12] != 0) options.query_offset = std::span(&h.n[13], 1);
  if (h.n[9] != 0) options.scale = static_cast<float>(h.scale);
  options.softcap = static_cast<float>(h.softcap);
  return options;
}

/// Runs one case of the file on every instruction set.
void run_case(Cursor& file) {
  const Header h(file);
  const Tensor q(file, h.query()), k(file, h.key()), v(file, h.value()), gradient(file, h.output()),
      mask(file, h.mask()), bias(file, h.bias()), slopes(file, h.slopes()), sinks(file, h.sinks()),
      cos(file, h.table()), sin(file, h.table());
  const Tensor out(file, h.output()), dq(file, h.query()), dk(file, h.key()), dv(file, h.value()),
      dbias(file, h.bias()), dsinks(file, h.sinks());
  const std::vector<char> visible(mask.numbers.begin(), mask.numbers.end());

  AttentionOptions options = options_of(h);
  if (!visible.empty()) options.mask = {visible.data(), DType::kBool, mask.shape, dense_strides(mask.shape)};
  options.bias = bias.view();
  options.alibi_slopes = slopes.view();
  options.sinks = sinks.view();
  options.rope = {h.n[21] != 0 ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit, cos.view(), sin.view()};
  for (const Isa isa : isas()) {
    SCOPED_TRACE(name(isa));
    options.isa = isa;
    Tensor o(out, kNan), gq(q, kNan), gk(k, kNan), gv(v, kNan), gbias(bias, kNan), gsinks(sinks, kNan);
    std::vector<float> lse_numbers(q.numbers.size());
    const MutableTensorView lse(lse_numbers.data(), h.lse());
    ASSERT_TRUE(
        attention({q.view(), k.view(), v.view(), o.view(), lse, {}}, options, serial_executor()).ok());
    expect_near(o.numbers, out.numbers, "output");
    const AttentionGradientTensors backward = {
        q.view(),  k.view(),        v.view(),     std::as_const(o).view(),
        lse,       gradient.view(), gq.view(),    gk.view(),
        gv.view(), gbias.view(),    gsinks.view()};
    ASSERT_TRUE(attention_backward(backward, options, serial_executor()).ok());
    expect_near(gq.numbers, dq.numbers, "query gradient");
    expect_near(gk.numbers, dk.numbers, "key gradient");
    expect_near(gv.numbers, dv.numbers, "value gradient");
    expect_near(gbias.numbers, dbias.numbers, "bias gradient");
    expect_near(gsinks.numbers, dsinks.numbers, "sinks gradient");
  }
}

TEST(AttentionGolden, EqualsPyTorchForwardAndBackward) {
  std::ifstream stream(ATTEND_GOLDEN_DIR "/attention.bin", std::ios::binary);
  ASSERT_TRUE(stream.good());
  Cursor file(std::string(std::istreambuf_iterator<char>(stream), {}));
  int cases = 0;
  for (; !file.at_end() && !::testing::Test::HasFailure(); ++cases) run_case(file);
  EXPECT_EQ(cases, 15);
}

}  // namespace
}  // namespace attend
