// What the tests of attention modules share: every kind, in an order, and problems for them.
#ifndef ATTEND_TESTS_NN_ATTENTION_MODULE_TESTING_H_
#define ATTEND_TESTS_NN_ATTENTION_MODULE_TESTING_H_

#include <string>
#include <vector>

#include "nn/attention_module.h"
#include "nn/layer_testing.h"

namespace attend::testing {

struct NamedScore {
  Score score;
  const char* name;
};
inline const std::vector<NamedScore> kScores = {{Score::kTanh, "tanh"},
                                                {Score::kDot, "dot"},
                                                {Score::kScaledDot, "scaled_dot"},
                                                {Score::kGeneral, "general"},
                                                {Score::kAdditive, "additive"}};

struct ModuleCase {
  NamedScore score;
  Weights weights;
  bool projected, masked;

  std::string name() const {
    return std::string(score.name) + (weights == Weights::kSoftmax ? ".softmax" : ".raw") +
           (projected ? ".projected" : "") + (masked ? ".masked" : "");
  }
};

inline std::vector<ModuleCase> module_cases() {
  std::vector<ModuleCase> cases;
  for (const NamedScore& score : kScores) {
    for (const Weights weights : {Weights::kSoftmax, Weights::kRaw}) {
      for (const bool projected : {false, true}) {
        for (const bool masked : {false, true}) cases.push_back({score, weights, projected, masked});
      }
    }
  }
  return cases;
}

struct ModuleWidths {
  int64_t query, key, value, hidden, projected_key, projected_value;
};

inline AttentionModuleShape module_shape(const ModuleCase& c, const ModuleWidths& w) {
  AttentionModuleShape shape;
  shape.score = c.score.score;
  shape.weights = c.weights;
  shape.key = w.key;
  shape.value = w.value;
  if (c.projected) {
    shape.projected_key = w.projected_key;
    shape.projected_value = w.projected_value;
  }
  const bool plain = c.score.score == Score::kDot || c.score.score == Score::kScaledDot;
  shape.query = plain ? shape.key_width() : w.query;
  if (c.score.score == Score::kAdditive) shape.hidden = w.hidden;
  return shape;
}

/// Keys that query r sees: about three of five, and none for the last query.
inline Matrix<bool> random_mask(Arena& arena, int64_t rows, int64_t keys, uint64_t seed) {
  const Matrix<bool> mask = arena.matrix<bool>(rows, keys);
  for (int64_t i = 0; i < mask.size(); ++i) {
    mask.data[i] = i / keys + 1 < rows && RandomKey(seed).below(static_cast<uint64_t>(i), 5) < 3;
  }
  return mask;
}

/// Forward and backward of one module over packed sequences, and all that comes out.
template <class T>
struct ModuleRun {
  Matrix<T> y, weights, dx;
  typename AttentionModule<T>::InputGradient dinput;

  ModuleRun(AttentionModule<T>& module, ConstMatrix<T> x, ConstMatrix<T> key_input,
            ConstMatrix<T> value_input, Offsets queries, Offsets keys, ConstMatrix<bool> mask,
            ConstMatrix<T> dy, Pass& pass) {
    int64_t most = 0;
    for (size_t s = 0; s + 1 < keys.size(); ++s) most = std::max(most, keys[s + 1] - keys[s]);
    const KeyValues<T> memory = module.project(key_input, value_input, keys, pass);
    weights = pass.arena.matrix<T>(x.rows, most);
    std::fill_n(weights.data, weights.size(), std::numeric_limits<T>::quiet_NaN());  // to be overwritten
    typename AttentionModule<T>::Activations a;
    y = module.forward(x, queries, memory, pass, &a, weights, mask);
    const typename AttentionModule<T>::MemoryGradient dmemory{
        pass.arena.matrix<T>(memory.keys.rows, memory.keys.cols),
        pass.arena.matrix<T>(memory.values.rows, memory.values.cols)};
    std::fill_n(dmemory.keys.data, dmemory.keys.size(), std::numeric_limits<T>::quiet_NaN());
    std::fill_n(dmemory.values.data, dmemory.values.size(), std::numeric_limits<T>::quiet_NaN());
    dx = module.backward(a, memory, dy, dmemory, pass);
    dinput = module.project_backward(key_input, value_input, dmemory, pass, mask.present());
  }
};

}  // namespace attend::testing

#endif  // ATTEND_TESTS_NN_ATTENTION_MODULE_TESTING_H_
