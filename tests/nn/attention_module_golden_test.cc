// The attention modules against PyTorch, in both precisions: every kind, and the snippet that tutorials begin
// with.
#include "nn/attention_module_testing.h"
#include "nn/golden.h"

namespace attend::testing {
namespace {

template <class T>
class AttentionModuleGolden : public ::testing::Test {
 protected:
  Matrix<T> get(const std::string& name) { return golden.matrix<T>(name, arena); }
  void expect(ConstMatrix<T> actual, const std::string& name, double tolerance = kGoldenTolerance<T>) {
    expect_near(actual, ConstMatrix<T>(get(name)), tolerance, name);
  }
  Golden golden{"attention_modules.safetensors"};
  Arena arena;
  Pass pass{arena, serial_executor()};
};
TYPED_TEST_SUITE(AttentionModuleGolden, BothTypes);

TYPED_TEST(AttentionModuleGolden, EveryKindIsPyTorchs) {
  using T = TypeParam;
  const std::vector<int64_t> queries = {0, 3, 3, 8, 9}, keys = {0, 7, 9, 13, 13};
  int compared = 0;
  for (const ModuleCase& c : module_cases()) {
    if (c.projected != c.masked) continue;
    const std::string name = c.name();
    AttentionModule<T> module(name, module_shape(c, {5, 9, 11, 17, 6, 10}));
    ParameterList<T> parameters;
    module.collect(parameters);
    this->golden.load(parameters, this->arena);
    ConstMatrix<bool> mask;
    if (c.masked) {
      const Matrix<T> numbers = this->get(name + ".mask");
      const Matrix<bool> seen = this->arena.template matrix<bool>(numbers.rows, numbers.cols);
      for (int64_t i = 0; i < seen.size(); ++i) seen.data[i] = numbers.data[i] != 0;
      mask = seen;
    }
    const ModuleRun<T> run(module, this->get(name + ".x"), this->get(name + ".key_input"),
                           this->get(name + ".value_input"), queries, keys, mask, this->get(name + ".dy"),
                           this->pass);
    this->expect(run.y, name + ".y");
    this->expect(run.weights, name + ".weights");
    this->expect(run.dx, name + ".dx");
    this->expect(run.dinput.key_input, name + ".dkey_input");
    this->expect(run.dinput.value_input, name + ".dvalue_input");
    this->golden.expect_gradients(parameters, kGoldenTolerance<T>, this->arena);
    ++compared;
  }
  EXPECT_EQ(compared, 20);
}

// Raw tanh weights are sums of 128 products, and the output a sum of 100 of them, of about 10 times 1.
TYPED_TEST(AttentionModuleGolden, RawTanhIsTheClassicSnippet) {
  using T = TypeParam;
  AttentionModuleShape shape{.score = Score::kTanh, .weights = Weights::kRaw};
  shape.query = shape.key = shape.value = 128;
  AttentionModule<T> module("snippet", shape);
  ParameterList<T> parameters;
  module.collect(parameters);
  this->golden.load(parameters, this->arena);
  const std::vector<int64_t> queries = {0, 1}, keys = {0, 100};
  const KeyValues<T> memory =
      module.project(this->get("snippet.keys"), this->get("snippet.values"), keys, this->pass);
  const Matrix<T> weights = this->arena.template matrix<T>(1, 100);
  const Matrix<T> out = module.forward(this->get("snippet.x"), queries, memory, this->pass, nullptr, weights);
  // PyTorch computed it in float32, so this is as near as float64 comes too.
  this->expect(weights, "snippet.weights", 1e-5);
  this->expect(out, "snippet.out", 1e-4);
}

}  // namespace
}  // namespace attend::testing
