// Every kernel against PyTorch's scaled_dot_product_attention and its gradients (golden/make_attention.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "attend/attention.h"

namespace attend {
namespace {

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

/// Runs one case of the file on every instruction set.
void run_case(Cursor& file) {
  const std::vector<int64_t> n = file.take<int64_t>(12);
  const Shape query{n[0], n[1], n[3], n[5]}, key{n[0], n[2], n[4], n[5]}, value{n[0], n[2], n[4], n[6]},
      output{n[0], n[1], n[3], n[6]}, square{n[0], n[1], n[3], n[4]}, lse_shape{n[0], n[1], n[3], 1};
  const auto size = [](const Shape& s) { return s[0] * s[1] * s[2] * s[3]; };
  const double scale = file.take<double>(1)[0];
  const std::vector<float> q = file.take<float>(size(query)), k = file.take<float>(size(key)),
                           v = file.take<float>(size(value)), gradient = file.take<float>(size(output)),
                           mask = file.take<float>(n[8] != 0 ? size(square) : 0);
  const std::vector<float> out = file.take<float>(size(output)), dq = file.take<float>(size(query)),
                           dk = file.take<float>(size(key)), dv = file.take<float>(size(value));
  const std::vector<char> visible(mask.begin(), mask.end());

  AttentionOptions options;
  if (n[7] != 0) options.causal = Causal::kUpperLeft;
  if (n[8] != 0) options.mask = TensorView(reinterpret_cast<const bool*>(visible.data()), square);
  if (n[9] != 0) options.scale = static_cast<float>(scale);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(name(isa));
    options.isa = isa;
    std::vector<float> o(out.size()), lse(static_cast<size_t>(size(lse_shape))), gq(q.size()), gk(k.size()),
        gv(v.size());
    const AttentionTensors forward = {{q.data(), query},  {k.data(), key},         {v.data(), value},
                                      {o.data(), output}, {lse.data(), lse_shape}, {}};
    ASSERT_TRUE(attention(forward, options, serial_executor()).ok());
    expect_near(o, out, "output");
    const AttentionGradientTensors backward = {
        forward.query,      forward.key,      forward.value,
        forward.output,     forward.lse,      {gradient.data(), output},
        {gq.data(), query}, {gk.data(), key}, {gv.data(), value}};
    ASSERT_TRUE(attention_backward(backward, options, serial_executor()).ok());
    expect_near(gq, dq, "query gradient");
    expect_near(gk, dk, "key gradient");
    expect_near(gv, dv, "value gradient");
  }
}

TEST(AttentionGolden, EqualsPyTorchForwardAndBackward) {
  std::ifstream stream(ATTEND_GOLDEN_DIR "/attention.bin", std::ios::binary);
  ASSERT_TRUE(stream.good());
  Cursor file(std::string(std::istreambuf_iterator<char>(stream), {}));
  int cases = 0;
  for (; !file.at_end() && !::testing::Test::HasFailure(); ++cases) run_case(file);
  EXPECT_EQ(cases, 4);
}

}  // namespace
}  // namespace attend
