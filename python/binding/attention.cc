#include "binding/attention.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <optional>
#include <string>

#include "attend/attention.h"
#include "binding/array.h"
#include "binding/options.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

/// What forward writes; null where it is not asked for.
struct Results {
  const Array& output;
  const Array *lse, *weights, *head_mean, *column_sums;
};

AttentionTensors tensors_of(const Array& query, const Array& key, const Array& value, const Results& results,
                            Layout layout) {
  AttentionTensors tensors;
  tensors.query = query.heads(layout);
  tensors.key = key.heads(layout);
  tensors.value = value.heads(layout);
  tensors.output = results.output.heads(layout);
  if (results.lse != nullptr) tensors.lse = results.lse->rows();
  if (results.weights != nullptr) tensors.weights = results.weights->broadcast();
  if (results.head_mean != nullptr) tensors.head_mean = results.head_mean->weight_sums(1);
  if (results.column_sums != nullptr) tensors.column_sums = results.column_sums->weight_sums(2);
  return tensors;
}

void attention(const Array& query, const Array& key, const Array& value, const Array& output,
               const Array* lse, const Array* weights, const Array* head_mean, const Array* column_sums,
               const nb::kwargs& named) {
  const Options options(named);
  const AttentionTensors tensors =
      tensors_of(query, key, value, {output, lse, weights, head_mean, column_sums}, options.layout);
  const std::unique_ptr<Executor> executor = options.executor();
  raise_unless_ok([&] { return attend::attention(tensors, options.attention, *executor); });
}

void attention_backward(const Array& output_gradient, const Array& query, const Array& key,
                        const Array& value, const Array& output, const Array& lse,
                        const Array& query_gradient, const Array& key_gradient, const Array& value_gradient,
                        const Array* bias_gradient, const Array* sinks_gradient, const nb::kwargs& named) {
  const Options options(named);
  AttentionGradientTensors tensors;
  tensors.query = query.heads(options.layout);
  tensors.key = key.heads(options.layout);
  tensors.value = value.heads(options.layout);
  tensors.output = output.heads(options.layout);
  tensors.lse = lse.rows();
  tensors.output_gradient = output_gradient.heads(options.layout);
  tensors.query_gradient = query_gradient.heads(options.layout);
  tensors.key_gradient = key_gradient.heads(options.layout);
  tensors.value_gradient = value_gradient.heads(options.layout);
  if (bias_gradient != nullptr) tensors.bias_gradient = bias_gradient->broadcast();
  if (sinks_gradient != nullptr) tensors.sinks_gradient = sinks_gradient->per_head();
  const std::unique_ptr<Executor> executor = options.executor();
  raise_unless_ok([&] { return attend::attention_backward(tensors, options.attention, *executor); });
}

std::string explain(const Array& query, const Array& key, const Array& value, const Array& output,
                    const Array* lse, const Array* weights, const Array* head_mean, const Array* column_sums,
                    const nb::kwargs& named) {
  const Options options(named);
  const AttentionTensors tensors =
      tensors_of(query, key, value, {output, lse, weights, head_mean, column_sums}, options.layout);
  return value_or_raise(attend::explain(tensors, options.attention));
}

}  // namespace

void bind_attention(nb::module_& m) {
  m.def("attention", &attention, "query"_a, "key"_a, "value"_a, "output"_a, "lse"_a.none(),
        "weights"_a.none(), "head_mean"_a.none(), "column_sums"_a.none(), "options"_a);
  m.def("attention_backward", &attention_backward, "output_gradient"_a, "query"_a, "key"_a, "value"_a,
        "output"_a, "lse"_a, "query_gradient"_a, "key_gradient"_a, "value_gradient"_a,
        "bias_gradient"_a.none(), "sinks_gradient"_a.none(), "options"_a);
  m.def("explain", &explain, "query"_a, "key"_a, "value"_a, "output"_a, "lse"_a.none(), "weights"_a.none(),
        "head_mean"_a.none(), "column_sums"_a.none(), "options"_a);
}

}  // namespace attend::python
