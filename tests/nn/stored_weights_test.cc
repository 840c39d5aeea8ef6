// Layers over weights as checkpoints store them, against double, on every instruction set that this machine
// has.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "nn/activation.h"
#include "nn/every_instruction_set.h"
#include "nn/row_product.h"
#include "nn/shared_attention.h"
#include "nn/stored_linear.h"
#include "nn/weight_matrix.h"

namespace attend {
namespace {

constexpr WeightType kTypes[] = {WeightType::kFloat32, WeightType::kFloat16, WeightType::kBFloat16,
                                 WeightType::kInt8};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> drawn(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  const RandomKey key(seed);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(key.normal(i));
  return values;
}

const std::byte* bytes_of(const void* numbers) {
  return static_cast<const std::byte*>(numbers);
}

/// `values` [rows, cols] as `type` holds them.
WeightMatrix stored(const std::vector<float>& values, int64_t rows, int64_t cols, WeightType type) {
  constexpr auto kRows = WeightMatrix::Order::kRows;
  const WeightMatrix wide =
      WeightMatrix::copy(WeightType::kFloat32, bytes_of(values.data()), rows, cols, kRows, serial_executor());
  if (type == WeightType::kFloat32) return wide;
  if (type != WeightType::kFloat16) return wide.rounded(type, serial_executor());
  std::vector<uint16_t> halves(values.size());
  floats_to_halves(values, halves);
  return WeightMatrix::copy(type, bytes_of(halves.data()), rows, cols, kRows, serial_executor());
}

std::vector<float> widened(const WeightMatrix& matrix) {
  std::vector<float> values(static_cast<size_t>(matrix.size()));
  matrix.widen(0, matrix.rows(), values.data());
  return values;
}

/// Whether y = x w^T + bias, by sums of double; `bias` may be null.
::testing::AssertionResult is_product(ConstMatrix<float> y, ConstMatrix<float> x, const std::vector<float>& w,
                                      const float* bias) {
  for (int64_t r = 0; r < y.rows; ++r) {
    for (int64_t o = 0; o < y.cols; ++o) {
      double sum = bias ? static_cast<double>(bias[o]) : 0.0, size = std::abs(sum);
      for (int64_t i = 0; i < x.cols; ++i) {
        const double product = static_cast<double>(x.data[r * x.cols + i]) *
                               static_cast<double>(w[static_cast<size_t>(o * x.cols + i)]);
        sum += product;
        size += std::abs(product);
      }
      const double got = static_cast<double>(y.data[r * y.cols + o]);
      if (!(std::abs(got - sum) <= 1e-6 * size + 1e-12)) {
        return ::testing::AssertionFailure() << got << " where " << sum << " is due, at " << r << ", " << o;
      }
    }
  }
  return ::testing::AssertionSuccess();
}

class StoredWeights : public testing::EveryInstructionSet {};
INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, StoredWeights, testing::instruction_sets(),
                         testing::name_of_instruction_set);

TEST_P(StoredWeights, ALinearLayerIsThatOfItsWidenedWeights) {
  for (const WeightType type : kTypes) {
    for (const int64_t in : {1, 7, 8, 9, 65}) {
      for (const int64_t out : {1, 3, 4, 37}) {
        for (const int64_t rows : {1, 2, 3, 5, 8, 20}) {
          const std::vector<float> x = drawn(rows * in, 1), bias = drawn(out, 3);
          const WeightMatrix weights = stored(drawn(out * in, 2), out, in, type);
          const std::vector<float> w = widened(weights);
          for (const bool biased : {false, true}) {
            Arena arena;
            Pass pass(arena, serial_executor());
            const StoredLinear linear(weights, biased ? bias : std::vector<float>());
            const Matrix<float> y = linear.forward({x.data(), rows, in}, pass);
            ASSERT_TRUE(is_product(y, {x.data(), rows, in}, w, biased ? bias.data() : nullptr))
                << static_cast<int>(type) << " " << rows << "x" << in << "x" << out;
          }
        }
      }
    }
  }
}

TEST_P(StoredWeights, ARowsProductDoesNotDependOnTheOtherRowsOrOnTheWorkers) {
  const int64_t in = 77, out = 530;
  const std::vector<float> x = drawn(5 * in, 1), bias = drawn(out, 3);
  const std::unique_ptr<Executor> threads = make_thread_executor(3);
  for (const WeightType type : kTypes) {
    const WeightMatrix weights = stored(drawn(out * in, 2), out, in, type);
    std::vector<float> together(static_cast<size_t>(5 * out)), alone(static_cast<size_t>(out));
    multiply_rows({x.data(), 5, in}, weights, bias.data(), {together.data(), 5, out}, *threads);
    for (int64_t r = 0; r < 5; ++r) {
      multiply_rows({x.data() + r * in, 1, in}, weights, bias.data(), {alone.data(), 1, out},
                    serial_executor());
      for (int64_t o = 0; o < out; ++o) {
        ASSERT_EQ(alone[static_cast<size_t>(o)], together[static_cast<size_t>(r * out + o)]);
      }
    }
  }
}

TEST_P(StoredWeights, AHalfThatIsNotFiniteStaysSo) {
  const std::vector<float> x(2 * 24, 1.0f);
  for (const int64_t where : {0, 9, 23}) {
    std::vector<float> w(3 * 24, 0.5f);
    w[static_cast<size_t>(where)] = std::numeric_limits<float>::infinity();
    w[static_cast<size_t>(24 + where)] = kNan;
    std::vector<float> y(2 * 3);
    multiply_rows({x.data(), 2, 24}, stored(w, 3, 24, WeightType::kFloat16), nullptr, {y.data(), 2, 3},
                  serial_executor());
    for (const size_t row : {0u, 3u}) {
      EXPECT_EQ(y[row], std::numeric_limits<float>::infinity());
      EXPECT_TRUE(std::isnan(y[row + 1]));
      EXPECT_EQ(y[row + 2], 12.0f);
    }
  }
}

TEST_P(StoredWeights, ALayerForManyRowsIsTheSame) {
  for (const int64_t in : {1, 7, 8, 65, 96}) {
    for (const int64_t out : {1, 3, 8, 37, 80}) {
      const std::vector<float> bias = drawn(out, 3), w = drawn(out * in, 2);
      for (const int64_t rows : {0, 1, 5, 95, 96, 97, 192, 250}) {
        const std::vector<float> x = drawn(rows * in, 1);
        for (const bool biased : {false, true}) {
          Arena arena;
          Pass pass(arena, serial_executor());
          for (const Rows form : {Rows::kMany, Rows::kBoth}) {
            const StoredLinear linear(stored(w, out, in, WeightType::kFloat32),
                                      biased ? bias : std::vector<float>(), form);
            ASSERT_TRUE(linear.packed());
            ASSERT_EQ(linear.weights().rows(), form == Rows::kBoth ? out : 0);
            ASSERT_EQ(linear.in(), in);
            ASSERT_EQ(linear.out(), out);
            const Matrix<float> y = linear.forward({x.data(), rows, in}, pass);
            ASSERT_TRUE(is_product(y, {x.data(), rows, in}, w, biased ? bias.data() : nullptr))
                << rows << "x" << in << "x" << out;
          }
        }
      }
    }
  }
}

TEST_P(StoredWeights, RoundedWeightsStayAsTheyAreForManyRows) {
  for (const WeightType type : {WeightType::kFloat16, WeightType::kBFloat16, WeightType::kInt8}) {
    const StoredLinear linear(stored(drawn(40 * 24, 2), 40, 24, type), {}, Rows::kMany);
    EXPECT_FALSE(linear.packed());
    EXPECT_EQ(linear.weights().type(), type);
  }
}

TEST_P(StoredWeights, PackedWeightsGiveTheSameBitsWhoeverMultiplies) {
  const int64_t in = 1077, out = 130, rows = 331;
  const std::vector<float> x = drawn(rows * in, 1), w = drawn(out * in, 2), bias = drawn(out, 3);
  const PackedWeights packed({w.data(), out, in}, bias);
  std::vector<float> expected(static_cast<size_t>(rows * out));
  const std::unique_ptr<Executor> threads = make_thread_executor(3), openmp = make_openmp_executor(2),
                                  many = make_thread_executor(40);
  for (Executor* executor : {&serial_executor(), threads.get(), openmp.get(), many.get()}) {
    std::vector<float> y(expected.size(), kNan);
    Arena arena;
    Pass pass(arena, *executor);
    packed.multiply({x.data(), rows, in}, {y.data(), rows, out}, pass);
    if (executor == &serial_executor()) expected = y;
    ASSERT_EQ(y, expected);
  }
  // A row's sums do not depend on the rows beside it either.
  std::vector<float> alone(static_cast<size_t>(out));
  Arena arena;
  Pass pass(arena, serial_executor());
  for (const int64_t r : {0, 95, 96, 330}) {
    packed.multiply({x.data() + r * in, 1, in}, {alone.data(), 1, out}, pass);
    for (int64_t o = 0; o < out; ++o) {
      ASSERT_EQ(alone[static_cast<size_t>(o)], expected[static_cast<size_t>(r * out + o)]);
    }
  }
}

TEST_P(StoredWeights, ActivationsAreThoseOfDouble) {
  std::vector<float> x;
  for (float v = -12; v <= 12; v += 0.0137f) x.push_back(v);
  x.insert(x.end(), {0.0f, -0.0f, 1e-30f, -80.0f, 80.0f, -1e4f, 1e4f});
  const auto run = [&](Activation activation, auto&& exact) {
    std::vector<float> y = x;
    Arena arena;
    Pass pass(arena, serial_executor());
    activate(activation, {y.data(), 1, static_cast<int64_t>(y.size())}, pass);
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = exact(static_cast<double>(x[i]));
      ASSERT_NEAR(static_cast<double>(y[i]), expected, 1e-6 * (1 + std::abs(expected))) << x[i];
    }
  };
  run(Activation::kGelu, [](double v) { return v / 2 * (1 + std::erf(v / std::sqrt(2.0))); });
  run(Activation::kGeluTanh, [](double v) {
    return v / 2 * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v)));
  });
  run(Activation::kGeluSigmoid, [](double v) { return v / (1 + std::exp(-1.702 * v)); });
  run(Activation::kRelu, [](double v) { return std::max(v, 0.0); });
}

TEST(WeightMatrix, TransposesAndCopiesFromAnyAddress) {
  const int64_t rows = 37, cols = 70;
  const std::vector<float> values = drawn(rows * cols, 5);
  std::vector<std::byte> shifted(values.size() * 4 + 1);
  std::memcpy(shifted.data() + 1, values.data(), values.size() * 4);
  const WeightMatrix same = WeightMatrix::copy(WeightType::kFloat32, shifted.data() + 1, rows, cols,
                                               WeightMatrix::Order::kRows, serial_executor());
  EXPECT_EQ(widened(same), values);
  const WeightMatrix turned = WeightMatrix::copy(WeightType::kFloat32, shifted.data() + 1, cols, rows,
                                                 WeightMatrix::Order::kTransposed, serial_executor());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      ASSERT_EQ(turned.floats().row(c)[static_cast<size_t>(r)], values[static_cast<size_t>(r * cols + c)]);
    }
  }
}

TEST(WeightMatrix, RoundsEachRowByItsOwnScale) {
  std::vector<float> values = drawn(6 * 50, 7);
  for (size_t i = 100; i < 150; ++i) values[i] *= 1e-3f;
  for (size_t i = 150; i < 200; ++i) values[i] = 0;
  const std::vector<float> rounded = widened(stored(values, 6, 50, WeightType::kInt8));
  for (size_t r = 0; r < 6; ++r) {
    float most = 0;
    for (size_t i = 50 * r; i < 50 * r + 50; ++i) most = std::max(most, std::abs(values[i]));
    for (size_t i = 50 * r; i < 50 * r + 50; ++i)
      EXPECT_LE(std::abs(rounded[i] - values[i]), most / 127 * 0.501f);
  }
  const std::vector<float> halves = widened(stored(values, 6, 50, WeightType::kBFloat16));
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(halves[i], bfloat16_to_float(float_to_bfloat16(values[i])));
}

TEST(WeightMatrix, ASliceSharesNumbersAndScales) {
  const std::vector<float> values = drawn(10 * 6, 8);
  for (const WeightType type : kTypes) {
    const WeightMatrix all = stored(values, 10, 6, type);
    const std::vector<float> whole = widened(all), part = widened(all.slice(3, 4));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 18));
  }
}

TEST(SharedAttention, WeightsAndSumsAreThoseOfTheSoftmax) {
  const int64_t rows = 3, keys = 9, width = 10;
  const Heads heads{2, 0.3f};
  const std::vector<float> q = drawn(rows * width, 1), k = drawn(keys * width, 2), v = drawn(keys * width, 3);
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> lse = arena.matrix<float>(rows, 2), weights = arena.matrix<float>(rows * 2, keys);
  const Matrix<float> out = attend_to_shared({q.data(), rows, width}, {k.data(), keys, width},
                                             {v.data(), keys, width}, heads, pass, {lse, weights});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t h = 0; h < 2; ++h) {
      std::vector<double> odds(static_cast<size_t>(keys));
      double sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (int64_t d = 5 * h; d < 5 * h + 5; ++d) {
          score += static_cast<double>(q[static_cast<size_t>(r * width + d)]) *
                   static_cast<double>(k[static_cast<size_t>(j * width + d)]);
        }
        odds[static_cast<size_t>(j)] = std::exp(0.3 * score);
        sum += odds[static_cast<size_t>(j)];
      }
      EXPECT_NEAR(static_cast<double>(lse.row(r)[static_cast<size_t>(h)]), std::log(sum), 1e-5);
      for (int64_t j = 0; j < keys; ++j) {
        EXPECT_NEAR(static_cast<double>(weights.row(2 * r + h)[static_cast<size_t>(j)]),
                    odds[static_cast<size_t>(j)] / sum, 1e-5);
      }
      for (int64_t d = 5 * h; d < 5 * h + 5; ++d) {
        double mean = 0;
        for (int64_t j = 0; j < keys; ++j)
          mean +=
              odds[static_cast<size_t>(j)] / sum * static_cast<double>(v[static_cast<size_t>(j * width + d)]);
        EXPECT_NEAR(static_cast<double>(out.row(r)[static_cast<size_t>(d)]), mean, 1e-5);
      }
    }
  }
}

TEST(SharedAttention, NewRowsSeeThePastOfTheirOwnSequenceUpToThemselves) {
  const int64_t width = 8, sequences = 2, length = 5, fresh = 2;
  const Heads heads{2, 0.5f};
  KeyValueCache<float> cache(sequences, 7, width);
  const std::vector<float> k = drawn(sequences * length * width, 2), v = drawn(sequences * length * width, 3);
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t s = 0; s < sequences; ++s) {
      std::copy_n(k.data() + (s * length + i) * width, width, cache.next_key(s).data());
      std::copy_n(v.data() + (s * length + i) * width, width, cache.next_value(s).data());
    }
    cache.advance();
  }
  std::fill_n(const_cast<float*>(cache.keys()) + length * width, 2 * width, kNan);  // what is not there yet
  const std::vector<float> q = drawn(sequences * fresh * width, 1);
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> out = attend_to_past({q.data(), sequences * fresh, width}, cache, heads, pass);
  for (int64_t s = 0; s < sequences; ++s) {
    for (int64_t i = 0; i < fresh; ++i) {
      const int64_t row = s * fresh + i, seen = length - fresh + i + 1;
      const Matrix<float> alone =
          attend_to_shared({q.data() + row * width, 1, width}, {k.data() + s * length * width, seen, width},
                           {v.data() + s * length * width, seen, width}, heads, pass);
      for (size_t d = 0; d < 8; ++d) EXPECT_NEAR(out.row(row)[d], alone.row(0)[d], 1e-5f);
    }
  }
}

}  // namespace
}  // namespace attend
