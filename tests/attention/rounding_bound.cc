#include "attention/rounding_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attend {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr double kTiny = 0x1p-120;  // weights below 2^-126 become 0

double scale_of(const CaseSpec& spec) {
  return spec.scale ? static_cast<double>(*spec.scale) : 1 / std::sqrt(static_cast<double>(spec.sizes.D));
}

/// One query of one head, and the keys that it sees.
struct Row {
  int64_t b, h, kv, i;
  size_t index;  // among all rows
};

class Bounds {
 public:
  Bounds(const AttentionCase& problem, const ForwardAnswer& exact)
      : p_(problem),
        exact_(exact),
        n_(problem.spec().sizes),
        scale_(std::abs(scale_of(problem.spec()))),
        kept_(1 / (1 - static_cast<double>(problem.spec().dropout))) {}

  template <class Body>
  void for_rows(Body&& body) const {
    size_t index = 0;
    for (int64_t b = 0; b < n_.B; ++b) {
      for (int64_t h = 0; h < n_.Hq; ++h) {
        for (int64_t i = 0; i < n_.Tq; ++i) body(Row{b, h, h / n_.group(), i, index++});
      }
    }
  }

  double weight(const Row& r, int64_t j) const {
    return exact_.weights[r.index * static_cast<size_t>(n_.Tk) + static_cast<size_t>(j)];
  }

  /// The absolute error of a score: of a product of D terms, in whatever order, and of what is added.
  double score_error(const Row& r) const {
    const CaseSpec& spec = p_.spec();
    double products = 0, others = 1 + finite(exact_.lse[r.index]);
    if (spec.sinks) others += finite(static_cast<double>(p_.sinks.at(0, r.h, 0, 0)));
    for (int64_t j = 0; j < n_.Tk; ++j) {
      if (!p_.sees(r.b, r.h, r.i, j)) continue;
      double product = 0, other = 0;
      for (int64_t d = 0; d < n_.D; ++d) {
        product += reach(p_.query, {r.b, r.h, r.i}, d) * reach(p_.key, {r.b, r.kv, j}, d);
      }
      if (p_.bias.present()) {
        const Shape& s = p_.bias.shape();
        other += std::abs(static_cast<double>(p_.bias.at(r.b % s[0], r.h % s[1], r.i % s[2], j % s[3])));
      }
      if (spec.alibi) {
        // The farthest that a query can be from a key, wherever it stands.
        const int64_t far = n_.Tq + n_.Tk + 2 * farthest_offset();
        other += static_cast<double>(p_.alibi_slopes.at(0, r.h, 0, 0)) * static_cast<double>(far);
      }
      products = std::max(products, scale_ * product);
      others = std::max(others, other);
    }
    return kUnit * ((static_cast<double>(n_.D) + 8 + turning()) * products + 16 * others);
  }

  /// The relative error of a weight and of a sum over what `terms` weights multiply.
  double relative(double score_error, int64_t terms) const {
    return std::expm1(2 * score_error + kUnit * static_cast<double>(4 * n_.Tk + n_.D + n_.Dv + terms + 64));
  }

  ForwardAnswer forward() const {
    ForwardAnswer bound;
    bound.head_mean.resize(exact_.head_mean.size());
    bound.column_sums.resize(exact_.column_sums.size());
    for_rows([&](const Row& r) {
      const double score = score_error(r), rate = relative(score, n_.Tq + n_.Hq);
      std::vector<double> output(static_cast<size_t>(n_.Dv));
      for (int64_t j = 0; j < n_.Tk; ++j) {
        const bool seen = p_.sees(r.b, r.h, r.i, j);
        const double error = seen ? weight(r, j) * rate + kTiny : 0;
        bound.weights.push_back(error);
        bound.head_mean[static_cast<size_t>((r.b * n_.Tq + r.i) * n_.Tk + j)] +=
            error / static_cast<double>(n_.Hq);
        bound.column_sums[static_cast<size_t>((r.b * n_.Hq + r.h) * n_.Tk + j)] += error;
        for (int64_t d = 0; seen && d < n_.Dv; ++d)
          output[static_cast<size_t>(d)] += kept_ * error * magnitude(p_.value.at(r.b, r.kv, j, d));
      }
      bound.output.insert(bound.output.end(), output.begin(), output.end());
      bound.lse.push_back(score + kUnit * (static_cast<double>(n_.Tk) + 8 + 2 * finite(exact_.lse[r.index])));
    });
    return bound;
  }

  BackwardAnswer backward() const {
    BackwardAnswer bound;
    bound.query.resize(static_cast<size_t>(n_.B * n_.Hq * n_.Tq * n_.D));
    bound.key.resize(static_cast<size_t>(n_.B * n_.Hkv * n_.Tk * n_.D));
    bound.value.resize(static_cast<size_t>(n_.B * n_.Hkv * n_.Tk * n_.Dv));
    if (p_.sinks.present()) bound.sinks.resize(static_cast<size_t>(n_.Hq));
    PaddedTensor<double> bias = p_.bias.as<double>();
    if (bias.present()) bias.fill(0);
    for_rows([&](const Row& r) { add_row(r, bound, bias); });
    turn_back(bound.query);
    turn_back(bound.key);
    if (bias.present()) bound.bias = bias.elements();
    return bound;
  }

 private:
  static double magnitude(float x) { return std::abs(static_cast<double>(x)); }
  static double finite(double x) { return std::isfinite(x) ? std::abs(x) : 0; }

  /// The feature that d is turned with; d itself when it passes through.
  int64_t partner(int64_t d) const {
    const auto& [width, layout, given] = p_.spec().rope;
    if (d >= width) return d;
    if (layout == RopeLayout::kInterleaved) return d ^ 1;
    return d < width / 2 ? d + width / 2 : d - width / 2;
  }
  /// The most that |x_d| can be once its row is turned.
  struct Place {
    int64_t b, h, t;
  };
  double reach(const PaddedTensor<float>& rows, const Place& p, int64_t d) const {
    const int64_t other = partner(d);
    return magnitude(rows.at(p.b, p.h, p.t, d)) + (other == d ? 0 : magnitude(rows.at(p.b, p.h, p.t, other)));
  }
  /// In units, the rounding errors of turning two rows, or a gradient.
  double turning() const { return p_.spec().rope.width > 0 ? 8 : 0; }
  /// Bounds of the gradients of turned rows become those of the gradients of the rows.
  void turn_back(std::vector<double>& bound) const {
    const std::vector<double> turned = bound;
    for (size_t i = 0; i < bound.size(); ++i) {
      const auto d = static_cast<int64_t>(i) % n_.D, other = partner(d);
      if (other != d) bound[i] += turned[i + static_cast<size_t>(other) - static_cast<size_t>(d)];
    }
  }
  int64_t farthest_offset() const {
    int64_t far = 0;
    for (const int64_t offset : p_.spec().offset) far = std::max(far, std::abs(offset));
    return far;
  }

  /// With ds_j = p_j (m_j <do, v_j> - <do, o>), each product and sum taken at its magnitude.
  void add_row(const Row& r, BackwardAnswer& bound, PaddedTensor<double>& bias) const {
    const CaseSpec& spec = p_.spec();
    const double score = score_error(r);
    const int64_t scores = n_.B * n_.Hq * n_.Tq * n_.Tk;
    const double rate = relative(score, 2 * n_.group() * n_.Tq + (bias.present() ? scores : 0));
    const double through_cap =
        rate + turning() * kUnit +
        (spec.softcap == 0 ? 0 : 2 * score / static_cast<double>(spec.softcap) + 16 * kUnit);
    std::vector<double> against(static_cast<size_t>(n_.Tk));  // <|do|, |v_j|>
    double mean = 0;                                          // <|do|, sum_j m_j p_j |v_j|>
    for (int64_t j = 0; j < n_.Tk; ++j) {
      if (!p_.sees(r.b, r.h, r.i, j)) continue;
      double& sum = against[static_cast<size_t>(j)];
      for (int64_t d = 0; d < n_.Dv; ++d) {
        sum += magnitude(p_.output_gradient.at(r.b, r.h, r.i, d)) * magnitude(p_.value.at(r.b, r.kv, j, d));
      }
      mean += kept_ * weight(r, j) * sum;
    }
    for (int64_t j = 0; j < n_.Tk; ++j) {
      if (!p_.sees(r.b, r.h, r.i, j)) continue;
      const double p = weight(r, j) + kTiny / rate, ds = p * (kept_ * against[static_cast<size_t>(j)] + mean),
                   product = scale_ * ds * through_cap;
      const size_t key = static_cast<size_t>((r.b * n_.Hkv + r.kv) * n_.Tk + j);
      for (int64_t d = 0; d < n_.D; ++d) {
        const auto at = static_cast<size_t>(d), width = static_cast<size_t>(n_.D);
        bound.query[r.index * width + at] += product * reach(p_.key, {r.b, r.kv, j}, d);
        bound.key[key * width + at] += product * reach(p_.query, {r.b, r.h, r.i}, d);
      }
      for (int64_t d = 0; d < n_.Dv; ++d) {
        bound.value[key * static_cast<size_t>(n_.Dv) + static_cast<size_t>(d)] +=
            rate * kept_ * p * magnitude(p_.output_gradient.at(r.b, r.h, r.i, d));
      }
      if (bias.present()) {
        const Shape& s = bias.shape();
        bias.at(r.b % s[0], r.h % s[1], r.i % s[2], j % s[3]) += rate * ds;
      }
    }
    if (p_.sinks.present() && std::isfinite(exact_.lse[r.index])) {
      const double share = std::exp(static_cast<double>(p_.sinks.at(0, r.h, 0, 0)) - exact_.lse[r.index]);
      bound.sinks[static_cast<size_t>(r.h)] +=
          (rate + kUnit * static_cast<double>(n_.B * n_.Tq)) * (share + kTiny / rate) * mean;
    }
  }

  const AttentionCase& p_;
  const ForwardAnswer& exact_;
  Sizes n_;
  double scale_, kept_;
};

}  // namespace

ForwardAnswer forward_bound(const AttentionCase& problem, const ForwardAnswer& exact) {
  return Bounds(problem, exact).forward();
}

BackwardAnswer backward_bound(const AttentionCase& problem, const ForwardAnswer& exact) {
  return Bounds(problem, exact).backward();
}

::testing::AssertionResult within(const std::vector<double>& bound, const std::vector<double>& actual,
                                  const std::vector<double>& exact) {
  if (actual.size() != exact.size() || bound.size() != exact.size()) {
    return ::testing::AssertionFailure()
           << actual.size() << " numbers, exact " << exact.size() << ", bounds " << bound.size();
  }
  for (size_t i = 0; i < exact.size(); ++i) {
    if (actual[i] == exact[i] || std::abs(actual[i] - exact[i]) <= bound[i]) continue;
    return ::testing::AssertionFailure()
           << "number " << i << " is " << actual[i] << ", exact " << exact[i] << ", bound " << bound[i];
  }
  return ::testing::AssertionSuccess();
}

namespace {

template <class Answer>
struct Numbers {
  const char* name;
  std::vector<double> Answer::*list;
};

constexpr Numbers<ForwardAnswer> kForward[] = {{"output", &ForwardAnswer::output},
                                               {"lse", &ForwardAnswer::lse},
                                               {"weights", &ForwardAnswer::weights},
                                               {"head_mean", &ForwardAnswer::head_mean},
                                               {"column_sums", &ForwardAnswer::column_sums}};
constexpr Numbers<BackwardAnswer> kBackward[] = {{"query_gradient", &BackwardAnswer::query},
                                                 {"key_gradient", &BackwardAnswer::key},
                                                 {"value_gradient", &BackwardAnswer::value},
                                                 {"bias_gradient", &BackwardAnswer::bias},
                                                 {"sinks_gradient", &BackwardAnswer::sinks}};

template <class Answer, size_t N>
::testing::AssertionResult all_within(const Numbers<Answer> (&lists)[N], const Answer& bound,
                                      const Answer& actual, const Answer& exact) {
  for (const auto& [name, list] : lists) {
    const ::testing::AssertionResult result = within(bound.*list, actual.*list, exact.*list);
    if (!result) return ::testing::AssertionFailure() << name << ": " << result.message();
  }
  return ::testing::AssertionSuccess();
}

}  // namespace

::testing::AssertionResult within(const ForwardAnswer& bound, const ForwardAnswer& actual,
                                  const ForwardAnswer& exact) {
  return all_within(kForward, bound, actual, exact);
}

::testing::AssertionResult within(const BackwardAnswer& bound, const BackwardAnswer& actual,
                                  const BackwardAnswer& exact) {
  return all_within(kBackward, bound, actual, exact);
}

}  // namespace attend
