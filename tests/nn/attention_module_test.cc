// The attention modules: gradients by finite differences, masks, widths, workers, precision, and what is
// refused.
#include <limits>

#include "nn/attention_module_testing.h"
#include "nn/transformer_block.h"

namespace attend::testing {
namespace {

constexpr ModuleWidths kOdd = {5, 7, 9, 11, 6, 3};

class AttentionModuleGradient : public GradientTest {};

TEST_F(AttentionModuleGradient, OfEveryKindByDifferences) {
  // An empty sequence of queries, one without keys, one of a single key, and queries that a mask leaves
  // nothing.
  const std::vector<int64_t> queries = {0, 3, 3, 5, 6, 9}, keys = {0, 4, 6, 6, 7, 12};
  for (const ModuleCase& c : module_cases()) {
    SCOPED_TRACE(c.name());
    kept.reset();
    data.reset();
    AttentionModule<double> module("module", module_shape(c, kOdd));
    const ParameterList<double> parameters = randomized(module);
    const Matrix<double> x = random(9, module.shape().query, 1),
                         dy = random(9, module.shape().value_width(), 2);
    const Matrix<double> key_input = random(12, 7, 3), value_input = random(12, 9, 4);
    const ConstMatrix<bool> mask =
        c.masked ? ConstMatrix<bool>(random_mask(data, 9, 5, 5)) : ConstMatrix<bool>();
    const auto value = [&] {
      return loss(dy, [&](Pass& p) {
        return module.forward(x, queries, module.project(key_input, value_input, keys, p), p, nullptr, {},
                              mask);
      });
    };
    Pass pass = pass_over(kept);
    const ModuleRun<double> run(module, x, key_input, value_input, queries, keys, mask, dy, pass);
    expect_gradient(x, run.dx, value, "x");
    expect_gradient(key_input, run.dinput.key_input, value, "key input");
    expect_gradient(value_input, run.dinput.value_input, value, "value input");
    expect_parameter_gradients(parameters, value);
  }
}

TEST_F(AttentionModuleGradient, OfADecoderBlockWithEveryKindOfCrossAttention) {
  const std::vector<int64_t> captions = {0, 3, 5, 9}, photos = {0, 5, 9}, patches = {0, 4, 7};
  for (const auto& [name, kind] : kMemoryAttentions) {
    SCOPED_TRACE(name);
    kept.reset();
    data.reset();
    DecoderBlock<double> block("block", {.width = 6, .heads = 2, .hidden = 10, .cross_attention = kind});
    const ParameterList<double> parameters = randomized(block);
    const Matrix<double> x = random(9, 6, 1), dy = random(9, 6, 2);
    const Matrix<double> key_input = random(7, 6, 3), value_input = random(7, 6, 4);
    const auto project = [&](Pass& p) {
      return block.cross_attention.project(key_input, value_input, patches, p);
    };
    const auto value = [&] {
      return loss(dy, [&](Pass& p) { return block.forward(x, {captions, photos}, project(p), p, nullptr); });
    };
    Pass pass = pass_over(kept);
    DecoderBlock<double>::Activations a;
    const KeyValues<double> memory = project(pass);
    block.forward(x, {captions, photos}, memory, pass, &a);
    const CrossAttention<double>::MemoryGradient dmemory{kept.matrix<double>(7, memory.keys.cols),
                                                         kept.matrix<double>(7, 6)};
    expect_gradient(x, block.backward(a, memory, dy, dmemory, pass), value, "x");
    const auto dinput = block.cross_attention.project_backward(key_input, value_input, dmemory, pass);
    expect_gradient(key_input, dinput.key_input, value, "key input");
    expect_gradient(value_input, dinput.value_input, value, "value input");
    expect_parameter_gradients(parameters, value);
  }
}

template <class T>
struct Problem {
  Arena arena;
  AttentionModule<T> module;
  ParameterList<T> parameters;
  std::vector<int64_t> queries, keys;
  Matrix<T> x, key_input, value_input, dy;
  Matrix<bool> mask;
  int64_t most = 0;

  Problem(const ModuleCase& c, const ModuleWidths& widths, std::vector<int64_t> q, std::vector<int64_t> k)
      : module("module", module_shape(c, widths)), queries(std::move(q)), keys(std::move(k)) {
    module.collect(parameters);
    randomize(parameters, 0.2);
    for (size_t s = 0; s + 1 < keys.size(); ++s) most = std::max(most, keys[s + 1] - keys[s]);
    x = random_matrix<T>(arena, queries.back(), module.shape().query, 1);
    key_input = random_matrix<T>(arena, keys.back(), widths.key, 2);
    value_input = random_matrix<T>(arena, keys.back(), widths.value, 3);
    dy = random_matrix<T>(arena, queries.back(), module.shape().value_width(), 4);
    if (c.masked) mask = random_mask(arena, queries.back(), most, 5);
  }
  ModuleRun<T> run(Executor& executor) {
    zero_gradients(parameters);
    Pass pass(arena, executor);
    return ModuleRun<T>(module, x, key_input, value_input, queries, keys, mask, dy, pass);
  }
};

/// The largest error over the largest number.
double error_of(ConstMatrix<float> actual, ConstMatrix<double> expected) {
  double error = 0.0, size = 0.0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double e = std::abs(static_cast<double>(actual.data[i]) - expected.data[i]);
    if (!(e <= error)) error = e;  // NaN stays
    size = std::max(size, std::abs(expected.data[i]));
  }
  return size > 0.0 ? error / size : error;
}

TEST(AttentionModule, InFloatIsThatInDoubleAtAwkwardSizes) {
  for (const ModuleCase& c : module_cases()) {
    for (const int64_t n : {1, 7, 8, 9, 33, 65}) {
      SCOPED_TRACE(c.name() + " " + std::to_string(n));
      const ModuleWidths widths = {n, n + 1, n + 2, n + 3, n + 4, n + 5};
      const std::vector<int64_t> queries = {0, n, n + 1, 2 * n}, keys = {0, 2 * n + 1, 2 * n + 2, 3 * n + 3};
      Problem<float> narrow(c, widths, queries, keys);
      Problem<double> wide(c, widths, queries, keys);
      const ModuleRun<float> a = narrow.run(serial_executor());
      const ModuleRun<double> b = wide.run(serial_executor());
      // Three sums in a row of at most 140 terms, whose rounding errors add up like a random walk; and
      // softmax makes relative errors of the absolute ones of scores, which reach 40 here.
      constexpr double kTolerance = 3 * 12 * 0x1p-23 * 4;
      EXPECT_LE(error_of(a.y, b.y), kTolerance);
      EXPECT_LE(error_of(a.weights, b.weights), kTolerance);
      EXPECT_LE(error_of(a.dx, b.dx), 2 * kTolerance);
      EXPECT_LE(error_of(a.dinput.key_input, b.dinput.key_input), 2 * kTolerance);
      EXPECT_LE(error_of(a.dinput.value_input, b.dinput.value_input), 2 * kTolerance);
      double largest = 0.0;
      for (Parameter<double>* p : wide.parameters) {
        for (const double g : p->gradient().values()) largest = std::max(largest, std::abs(g));
      }
      for (size_t p = 0; p < wide.parameters.size(); ++p) {
        const Matrix<double> expected = wide.parameters[p]->gradient();
        for (int64_t i = 0; i < expected.size(); ++i) {
          ASSERT_LE(
              std::abs(static_cast<double>(narrow.parameters[p]->gradient().data[i]) - expected.data[i]),
              2 * kTolerance * largest)
              << wide.parameters[p]->name();
        }
      }
    }
  }
}

TEST(AttentionModule, GivesTheSameBitsForAnyNumberOfWorkers) {
  for (const ModuleCase& c : module_cases()) {
    SCOPED_TRACE(c.name());
    Problem<float> problem(c, {24, 40, 33, 50, 41, 20}, {0, 30, 31, 75, 80}, {0, 9, 40, 41, 70});
    const ModuleRun<float> alone = problem.run(serial_executor());
    std::vector<std::vector<float>> gradients;
    for (Parameter<float>* p : problem.parameters) {
      gradients.emplace_back(p->gradient().values().begin(), p->gradient().values().end());
    }
    for (const int workers : {2, 3}) {
      const std::unique_ptr<Executor> executor = make_openmp_executor(workers);
      const ModuleRun<float> shared = problem.run(*executor);
      expect_same_bits<float>(alone.y, shared.y, "y");
      expect_same_bits<float>(alone.weights, shared.weights, "weights");
      expect_same_bits<float>(alone.dx, shared.dx, "dx");
      expect_same_bits<float>(alone.dinput.key_input, shared.dinput.key_input, "dkey");
      expect_same_bits<float>(alone.dinput.value_input, shared.dinput.value_input, "dvalue");
      for (size_t p = 0; p < gradients.size(); ++p) {
        const ConstMatrix<float> before(gradients[p].data(), problem.parameters[p]->rows(),
                                        problem.parameters[p]->cols());
        expect_same_bits<float>(before, problem.parameters[p]->gradient(), problem.parameters[p]->name());
      }
    }
  }
}

TEST(AttentionModule, ASequenceHasTheBitsThatItHasAlone) {
  for (const ModuleCase& c : module_cases()) {
    // Elsewhere linear layers come before, whose matrix products round by the number of rows.
    const bool plain = c.score.score == Score::kDot || c.score.score == Score::kScaledDot;
    if (c.masked || c.projected || !plain) continue;
    SCOPED_TRACE(c.name());
    Problem<float> problem(c, {16, 16, 16, 16, 16, 16}, {0, 3, 7}, {0, 5, 14});
    const ModuleRun<float> together = problem.run(serial_executor());
    Pass pass(problem.arena, serial_executor());
    const std::vector<int64_t> queries = {0, 4}, keys = {0, 9};
    const ModuleRun<float> alone(problem.module, problem.x.slice(3, 4), problem.key_input.slice(5, 9),
                                 problem.value_input.slice(5, 9), queries, keys, {}, problem.dy.slice(3, 4),
                                 pass);
    expect_same_bits<float>(together.y.slice(3, 4), alone.y, "y");
    expect_same_bits<float>(together.dx.slice(3, 4), alone.dx, "dx");
  }
}

/// Rows within a sum's rounding of each other: tiles may skip a masked key or multiply it by zero.
void expect_same_numbers(ConstMatrix<float> a, ConstMatrix<float> b, const std::string& what) {
  double scale = 1.0;
  for (const float v : a.values()) scale = std::max(scale, std::abs(static_cast<double>(v)));
  ASSERT_EQ(a.size(), b.size());
  for (int64_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(std::abs(static_cast<double>(a.data[i]) - static_cast<double>(b.data[i])) <= 2e-6 * scale)
        << what << " element " << i << ": " << a.data[i] << " against " << b.data[i];
  }
}

TEST(AttentionModule, AMaskedNanReachesNothing) {
  for (const ModuleCase& c : module_cases()) {
    if (!c.masked) continue;
    SCOPED_TRACE(c.name());
    Problem<float> problem(c, {8, 17, 9, 5, 12, 7}, {0, 4, 9}, {0, 6, 12});
    for (int64_t r = 0; r < 9; ++r) problem.mask.row(r)[2] = problem.mask.row(r)[5] = false;
    ModuleRun<float> clean = problem.run(serial_executor());
    std::vector<std::vector<float>> gradients;
    for (Parameter<float>* p : problem.parameters) {
      gradients.emplace_back(p->gradient().values().begin(), p->gradient().values().end());
    }
    for (const int64_t hidden : {2, 5, 8, 11}) {
      for (float& v : problem.key_input.row(hidden)) v = std::numeric_limits<float>::quiet_NaN();
      for (float& v : problem.value_input.row(hidden)) v = std::numeric_limits<float>::infinity();
    }
    const ModuleRun<float> dirty = problem.run(serial_executor());
    expect_same_numbers(clean.y, dirty.y, "y");
    expect_same_numbers(clean.weights, dirty.weights, "weights");
    expect_same_numbers(clean.dx, dirty.dx, "dx");
    expect_same_numbers(clean.dinput.key_input, dirty.dinput.key_input, "dkey");
    expect_same_numbers(clean.dinput.value_input, dirty.dinput.value_input, "dvalue");
    for (size_t p = 0; p < gradients.size(); ++p) {
      const ConstMatrix<float> before(gradients[p].data(), problem.parameters[p]->rows(),
                                      problem.parameters[p]->cols());
      expect_same_numbers(before, problem.parameters[p]->gradient(), problem.parameters[p]->name());
    }
    for (const float g : dirty.dinput.key_input.row(2)) EXPECT_EQ(g, 0.0f);
  }
}

TEST(AttentionModule, AQueryThatSeesNothingGetsZerosAndGivesNone) {
  for (const ModuleCase& c : module_cases()) {
    if (!c.masked || c.projected) continue;
    SCOPED_TRACE(c.name());
    Problem<float> problem(c, {8, 8, 8, 8, 8, 8}, {0, 2, 5, 6}, {0, 3, 7, 7});
    const ModuleRun<float> run = problem.run(serial_executor());  // row 5 has no keys at all, and no mask bit
    for (const float v : run.y.row(5)) EXPECT_EQ(v, 0.0f);
    for (const float w : run.weights.row(5)) EXPECT_EQ(w, 0.0f);
    for (const float g : run.dx.row(5)) EXPECT_EQ(g, 0.0f);
  }
}

TEST(AttentionModule, SoftmaxWeightsSumToOne) {
  for (const ModuleCase& c : module_cases()) {
    if (c.masked || c.weights == Weights::kRaw) continue;
    Problem<float> problem(c, {8, 8, 8, 8, 8, 8}, {0, 5}, {0, 300});
    const ModuleRun<float> run = problem.run(serial_executor());
    for (int64_t r = 0; r < 5; ++r) {
      double sum = 0.0;
      for (const float w : run.weights.row(r)) sum += static_cast<double>(w);
      EXPECT_NEAR(sum, 1.0, 1e-5) << c.name();
    }
  }
}

// Rows too wide for the tiles go the plain way, with the same result.
TEST(AttentionModule, WidthsBeyondTheEnginesAreComputedToo) {
  const ModuleCase c{kScores[2], Weights::kSoftmax, false, true};
  const ModuleWidths widths = {1500, 1500, 1100, 0, 0, 0};
  Problem<float> narrow(c, widths, {0, 2, 3}, {0, 5, 9});
  Problem<double> wide(c, widths, {0, 2, 3}, {0, 5, 9});
  const ModuleRun<float> a = narrow.run(serial_executor());
  const ModuleRun<double> b = wide.run(serial_executor());
  EXPECT_LE(error_of(a.y, b.y), 1e-5);
  EXPECT_LE(error_of(a.dx, b.dx), 1e-5);
}

TEST(AttentionModule, AStepTakesNoMoreMemoryTheSecondTime) {
  for (const ModuleCase& c : module_cases()) {
    Arena arena;
    Problem<float> problem(c, {24, 40, 33, 50, 41, 20}, {0, 30, 75}, {0, 9, 70});
    size_t capacity = 0;
    for (int i = 0; i < 3; ++i) {
      arena.reset();
      if (i == 2) capacity = arena.capacity();
      Pass pass(arena, serial_executor());
      ModuleRun<float>(problem.module, problem.x, problem.key_input, problem.value_input, problem.queries,
                       problem.keys, problem.mask, problem.dy, pass);
    }
    EXPECT_EQ(arena.capacity(), capacity) << c.name();
  }
}

TEST(AttentionModule, SoftmaxStartsSoftWhateverTheWidth) {
  for (const NamedScore& score : {kScores[0], kScores[3]}) {
    AttentionModuleShape shape;
    shape.score = score.score;
    shape.query = shape.key = 512;
    shape.value = 1;
    AttentionModule<float> module("module", shape);
    ParameterList<float> parameters;
    module.collect(parameters);
    initialize(parameters, 3);
    Arena arena;
    Pass pass(arena, serial_executor());
    const std::vector<int64_t> queries = {0, 40}, keys = {0, 49};
    const KeyValues<float> memory = module.project(random_matrix<float>(arena, 49, 512, 1),
                                                   random_matrix<float>(arena, 49, 1, 2), keys, pass);
    const Matrix<float> weights = arena.matrix<float>(40, 49);
    module.forward(random_matrix<float>(arena, 40, 512, 3), queries, memory, pass, nullptr, weights);
    double largest = 0.0;
    for (int64_t r = 0; r < 40; ++r) {
      largest += static_cast<double>(*std::ranges::max_element(weights.row(r))) / 40;
    }
    // The largest of 49 weights whose logarithms deviate by 1 is 0.12 on average, and 0.02 were they equal.
    EXPECT_GT(largest, 0.06) << score.name;
    EXPECT_LT(largest, 0.25) << score.name;
  }
}

TEST(AttentionModule, AWrongShapeIsNamedWithBothNumbers) {
  const auto message = [](const AttentionModuleShape& shape) { return check(shape).message(); };
  AttentionModuleShape shape{.score = Score::kDot, .query = 7, .key = 5, .value = 3};
  EXPECT_EQ(message(shape), "query width is 7, but the keys of its dot products have width 5");
  shape.projected_key = 7;
  EXPECT_EQ(message(shape), "");
  shape.score = Score::kAdditive;
  EXPECT_EQ(message(shape), "hidden width is 0, but must be in 1..65536");
  shape.hidden = 4;
  EXPECT_EQ(message(shape), "");
  shape.score = Score::kGeneral;
  EXPECT_EQ(message(shape), "hidden width is 4, but only additive scores have one, so it must be 0");
  shape.hidden = 0;
  shape.value = 70000;
  EXPECT_EQ(message(shape), "value width is 70000, but must be in 1..65536");
  shape.value = 3;
  shape.projected_value = -1;
  EXPECT_EQ(message(shape), "projected value width is -1, but must be in 0..65536");
}

TEST(MemoryAttention, EveryKindHasAName) {
  for (const auto& [name, kind] : kMemoryAttentions) {
    EXPECT_EQ(name_of(kind), name);
    EXPECT_EQ(memory_attention_of(name), kind);
  }
  EXPECT_EQ(memory_attention_of("cosine"), std::nullopt);
}

}  // namespace
}  // namespace attend::testing
