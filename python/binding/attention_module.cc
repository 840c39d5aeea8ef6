// The extension module behind attend.nn, which needs oneDNN where the engine does not.
#include "nn/attention_module.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/array.h"
#include "binding/cast.h"
#include "binding/refusal.h"
#include "binding/thread_count.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

constexpr const char* kName = "module";  // what parameters' names begin with, and the dot

struct Choice {
  const char* name;
  Score score;
};
constexpr Choice kScores[] = {{"tanh", Score::kTanh},
                              {"dot", Score::kDot},
                              {"scaled_dot", Score::kScaledDot},
                              {"general", Score::kGeneral},
                              {"additive", Score::kAdditive}};

Score score_from_name(const std::string& name) {
  for (const Choice& choice : kScores) {
    if (name == choice.name) return choice.score;
  }
  refuse_value("score is \"" + name +
               "\", but must be \"tanh\", \"dot\", \"scaled_dot\", \"general\" or \"additive\"");
}

Weights weights_from_name(const std::string& name) {
  if (name == "softmax") return Weights::kSoftmax;
  if (name == "raw") return Weights::kRaw;
  refuse_value("weights is \"" + name + "\", but must be \"softmax\" or \"raw\"");
}

/// An operand of three axes, [batch, rows, width], with any strides.
template <class T>
struct Operand {
  Array array;
  MutableTensorView view;
  const char* name;

  Operand(const nb::object& object, const char* operand, bool writable = false)
      : array(object, operand, writable, name_of_dtype(DTypeOf<T>::value)),
        view(array.broadcast()),
        name(operand) {
    if (view.dtype == DTypeOf<T>::value) return;
    refuse_type(std::string(name) + " is " + name_of_dtype(view.dtype) + ", but must be " +
                name_of_dtype(DTypeOf<T>::value));
  }
  int64_t batch() const { return view.shape[1]; }
  int64_t rows() const { return view.shape[2]; }
  int64_t width() const { return view.shape[3]; }
  T& at(int64_t b, int64_t r, int64_t i) const {
    return static_cast<T*>(view.data)[b * view.stride[1] + r * view.stride[2] + i * view.stride[3]];
  }
  /// Of booleans. Any byte but 0 is true: views of other types hold more than 0 and 1, which no `bool` may.
  bool true_at(int64_t b, int64_t r, int64_t i) const {
    return *reinterpret_cast<const uint8_t*>(&at(b, r, i)) != 0;
  }
  void expect(int64_t axis, int64_t size, const char* what, const std::string& of) const {
    if (view.shape[static_cast<size_t>(axis)] == size) return;
    refuse_value(std::string(name) + " has " + what + " " +
                 std::to_string(view.shape[static_cast<size_t>(axis)]) + ", but " + of + " has " +
                 std::to_string(size));
  }
  void expect_shape(int64_t batches, int64_t row_count, int64_t row_width, const std::string& of) const {
    expect(1, batches, "batch", of);
    expect(2, row_count, "rows", of);
    expect(3, row_width, "width", of);
  }
};

/// Rows [0, offsets[b + 1] - offsets[b]) of each batch row, one after the other.
template <class T>
Matrix<T> packed(const Operand<T>& operand, Offsets offsets, Arena& arena) {
  const Matrix<T> rows = arena.matrix<T>(offsets.back(), operand.width());
  for (int64_t b = 0; b < operand.batch(); ++b) {
    const int64_t first = offsets[static_cast<size_t>(b)],
                  count = offsets[static_cast<size_t>(b) + 1] - first;
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t i = 0; i < rows.cols; ++i)
        rows.row(first + r)[static_cast<size_t>(i)] = operand.at(b, r, i);
    }
  }
  return rows;
}

/// The way back; zeros past a batch row's rows, and past the columns.
template <class T>
void unpack(ConstMatrix<T> rows, Offsets offsets, const Operand<T>& operand) {
  for (int64_t b = 0; b < operand.batch(); ++b) {
    const int64_t first = offsets[static_cast<size_t>(b)],
                  count = offsets[static_cast<size_t>(b) + 1] - first;
    for (int64_t r = 0; r < operand.rows(); ++r) {
      for (int64_t i = 0; i < operand.width(); ++i) {
        operand.at(b, r, i) = r < count && i < rows.cols ? rows.data[(first + r) * rows.cols + i] : T{0};
      }
    }
  }
}

std::vector<int64_t> even_offsets(int64_t batch, int64_t rows) {
  std::vector<int64_t> offsets;
  for (int64_t b = 0; b <= batch; ++b) offsets.push_back(b * rows);
  return offsets;
}

std::vector<int64_t> key_offsets(int64_t batch, int64_t keys, const nb::object& lengths) {
  if (lengths.is_none()) return even_offsets(batch, keys);
  const std::vector<int64_t> given = integer_list<int64_t>(lengths, "key_lengths");
  if (static_cast<int64_t>(given.size()) != batch) {
    refuse_value("key_lengths has " + std::to_string(given.size()) + " numbers, but the batch has " +
                 std::to_string(batch));
  }
  std::vector<int64_t> offsets = {0};
  for (const int64_t length : given) {
    if (length < 0 || length > keys) {
      refuse_value("key_lengths has a " + std::to_string(length) + ", but must be in 0.." +
                   std::to_string(keys));
    }
    offsets.push_back(offsets.back() + length);
  }
  return offsets;
}

/// The operands of a call, packed.
template <class T>
struct Call {
  Arena arena;
  std::vector<int64_t> queries, keys;
  Matrix<T> query, key, value;
  Matrix<bool> mask;
  int64_t most = 0;  // keys of a batch row

  Call(const AttentionModuleShape& shape, const Operand<T>& q, const Operand<T>& k, const Operand<T>& v,
       const nb::object& lengths, const nb::object& given_mask)
      : queries(even_offsets(q.batch(), q.rows())), keys(key_offsets(q.batch(), k.rows(), lengths)) {
    q.expect(3, shape.query, "width", "the module's query");
    k.expect(3, shape.key, "width", "the module's key");
    v.expect(3, shape.value, "width", "the module's value");
    k.expect(1, q.batch(), "batch", "query");
    v.expect(1, q.batch(), "batch", "query");
    v.expect(2, k.rows(), "rows", "key");
    for (size_t b = 0; b + 1 < keys.size(); ++b) most = std::max(most, keys[b + 1] - keys[b]);
    query = packed(q, queries, arena);
    key = packed(k, keys, arena);
    value = packed(v, keys, arena);
    if (given_mask.is_none()) return;
    const Operand<bool> seen(given_mask, "mask");
    seen.expect_shape(q.batch(), q.rows(), k.rows(), "what queries and keys make");
    mask = arena.matrix<bool>(queries.back(), most);
    for (int64_t r = 0; r < mask.rows; ++r) {
      for (int64_t j = 0; j < most; ++j)
        mask.data[r * most + j] = seen.true_at(r / q.rows(), r % q.rows(), j);
    }
  }
};

/// A module and its parameters, in float or double.
template <class T>
class Module {
 public:
  Module(const AttentionModuleShape& shape, uint64_t seed) : module_(kName, shape) {
    module_.collect(parameters_);
    initialize(parameters_, seed);
  }

  /// [(name, the parameter's own memory)]; `self` keeps it alive.
  static nb::list parameters(nb::handle self) {
    nb::list list;
    Module& module = nb::cast<Module&>(self);
    for (Parameter<T>* p : module.parameters_) {
      const std::vector<size_t> shape = module.shape_of(*p);
      const nb::ndarray<nb::numpy, T> array(p->value().data, shape.size(), shape.data(), self);
      list.append(nb::make_tuple(p->name().substr(std::string(kName).size() + 1), nb::cast(array)));
    }
    return list;
  }

  void forward(const nb::object& query, const nb::object& key, const nb::object& value,
               const nb::object& lengths, const nb::object& mask, const nb::object& output,
               const nb::object& weights, const nb::object& threads) const {
    const Operand<T> q(query, "query"), k(key, "key"), v(value, "value"), out(output, "output", true);
    Call<T> call(module_.shape(), q, k, v, lengths, mask);
    out.expect_shape(q.batch(), q.rows(), module_.shape().value_width(), "the module's output");
    std::optional<Operand<T>> all_weights;
    if (!weights.is_none()) {
      all_weights.emplace(weights, "weights", true);
      all_weights->expect_shape(q.batch(), q.rows(), k.rows(), "what queries and keys make");
    }
    const int count = thread_count_of(threads);
    const nb::gil_scoped_release others_may_run;
    on_openmp_threads(count, [&] {
      const std::unique_ptr<Executor> executor = make_openmp_executor(count);
      Pass pass(call.arena, *executor);
      const KeyValues<T> memory = module_.project(call.key, call.value, call.keys, pass);
      Matrix<T> seen;
      if (all_weights) seen = call.arena.template matrix<T>(call.query.rows, call.most);
      unpack<T>(module_.forward(call.query, call.queries, memory, pass, nullptr, seen, call.mask),
                call.queries, out);
      if (all_weights) unpack<T>(seen, call.queries, *all_weights);
    });
  }

  void backward(const nb::object& output_gradient, const nb::object& query, const nb::object& key,
                const nb::object& value, const nb::object& lengths, const nb::object& mask,
                const nb::object& query_gradient, const nb::object& key_gradient,
                const nb::object& value_gradient, const std::vector<nb::object>& parameter_gradients,
                const nb::object& threads) {
    const Operand<T> q(query, "query"), k(key, "key"), v(value, "value"), dout(output_gradient, "dout");
    const Operand<T> dq(query_gradient, "query_gradient", true), dk(key_gradient, "key_gradient", true);
    const Operand<T> dv(value_gradient, "value_gradient", true);
    Call<T> call(module_.shape(), q, k, v, lengths, mask);
    dout.expect_shape(q.batch(), q.rows(), module_.shape().value_width(), "the module's output");
    dq.expect_shape(q.batch(), q.rows(), q.width(), "query");
    dk.expect_shape(k.batch(), k.rows(), k.width(), "key");
    dv.expect_shape(v.batch(), v.rows(), v.width(), "value");
    const std::vector<Operand<T>> dparameters = operands_of(parameter_gradients);
    const int count = thread_count_of(threads);
    const nb::gil_scoped_release others_may_run;
    const std::lock_guard<std::mutex> lock(gradients_);
    on_openmp_threads(count, [&] {
      const std::unique_ptr<Executor> executor = make_openmp_executor(count);
      Pass pass(call.arena, *executor);
      zero_gradients(parameters_);
      const Matrix<T> dy = packed(dout, call.queries, call.arena);
      const KeyValues<T> memory = module_.project(call.key, call.value, call.keys, pass);
      typename AttentionModule<T>::Activations activations;
      module_.forward(call.query, call.queries, memory, pass, &activations, {}, call.mask);
      const typename AttentionModule<T>::MemoryGradient dmemory{
          call.arena.template matrix<T>(memory.keys.rows, memory.keys.cols),
          call.arena.template matrix<T>(memory.values.rows, memory.values.cols)};
      unpack<T>(module_.backward(activations, memory, dy, dmemory, pass), call.queries, dq);
      const auto dinput = module_.project_backward(call.key, call.value, dmemory, pass, call.mask.present());
      unpack<T>(dinput.key_input, call.keys, dk);
      unpack<T>(dinput.value_input, call.keys, dv);
      for (size_t p = 0; p < dparameters.size(); ++p) {
        const Matrix<T> gradient = parameters_[p]->gradient();
        const std::vector<int64_t> all = {0, gradient.rows};
        unpack<T>(gradient, all, dparameters[p]);
      }
    });
  }

 private:
  /// The matrix of a linear layer is [out, in], also where one of them is 1; biases and additive's w are
  /// vectors.
  std::vector<size_t> shape_of(const Parameter<T>& parameter) const {
    const auto rows = static_cast<size_t>(parameter.rows()), cols = static_cast<size_t>(parameter.cols());
    const bool is_w = module_.score && &module_.score->weight == &parameter;
    if (is_w || !parameter.decays()) return {cols};
    return {rows, cols};
  }

  std::vector<Operand<T>> operands_of(const std::vector<nb::object>& arrays) const {
    std::vector<Operand<T>> operands;
    for (const nb::object& array : arrays) {
      operands.emplace_back(array, "a parameter's gradient", true);
      const Parameter<T>& parameter = *parameters_.at(operands.size() - 1);
      operands.back().expect_shape(1, parameter.rows(), parameter.cols(), "its parameter");
    }
    return operands;
  }

  AttentionModule<T> module_;
  ParameterList<T> parameters_;
  std::mutex gradients_;
};

template <class T>
void create(Module<T>* self, const std::string& score, const std::string& weights, int64_t query, int64_t key,
            int64_t value, int64_t hidden, int64_t projected_key, int64_t projected_value, uint64_t seed) {
  const AttentionModuleShape shape{
      score_from_name(score), weights_from_name(weights), query, key, value, hidden, projected_key,
      projected_value};
  raise_if_error(check(shape));
  new (self) Module<T>(shape, seed);
}

template <class T>
void bind(nb::module_& m, const char* name) {
  using Bound = Module<T>;
  nb::class_<Bound>(m, name, "A module and its parameters.")
      .def("__init__", &create<T>, "score"_a, "weights"_a, "query"_a, "key"_a, "value"_a, "hidden"_a,
           "projected_key"_a, "projected_value"_a, "seed"_a)
      .def("parameters", [](nb::handle_t<Bound> self) { return Bound::parameters(self); })
      .def("forward", &Bound::forward, "query"_a, "key"_a, "value"_a, "key_lengths"_a.none(), "mask"_a.none(),
           "output"_a, "weights"_a.none(), "threads"_a.none())
      .def("backward", &Bound::backward, "output_gradient"_a, "query"_a, "key"_a, "value"_a,
           "key_lengths"_a.none(), "mask"_a.none(), "query_gradient"_a, "key_gradient"_a, "value_gradient"_a,
           "parameter_gradients"_a, "threads"_a.none());
}

}  // namespace
}  // namespace attend::python

NB_MODULE(_nn, m) {
  attend::python::bind<float>(m, "Float32Module");
  attend::python::bind<double>(m, "Float64Module");
}
