#include "binding/varlen.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>

#include "attend/varlen.h"
#include "attention/varlen_validate.h"
#include "binding/array.h"
#include "binding/options.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

/// Offsets as Python's side hands them over: a contiguous copy of its own.
using Starts = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig>;

std::span<const int64_t> numbers(const Starts& starts) {
  return {starts.data(), starts.size()};
}

/// Offsets are called here as FlashAttention calls them. What passes is not refused again by the call itself.
template <class PackedTensors>
void check(const PackedTensors& tensors, const PackedOptions& options) {
  raise_if_error(validate(tensors, options.attention, {"cu_seqlens_q", "cu_seqlens_k"}));
}

PackedAttentionTensors tensors_of(const Array& query, const Array& key, const Array& value,
                                  const Starts& query_starts, const Starts& key_starts, const Array& output,
                                  const Array* lse) {
  PackedAttentionTensors tensors;
  tensors.query = query.packed();
  tensors.key = key.packed();
  tensors.value = value.packed();
  tensors.query_starts = numbers(query_starts);
  tensors.key_starts = numbers(key_starts);
  tensors.output = output.packed();
  if (lse != nullptr) tensors.lse = lse->packed_rows();
  return tensors;
}

void attention_varlen(const Array& query, const Array& key, const Array& value, const Starts& query_starts,
                      const Starts& key_starts, const Array& output, const Array* lse,
                      const nb::kwargs& named) {
  const PackedOptions options(named);
  const PackedAttentionTensors tensors = tensors_of(query, key, value, query_starts, key_starts, output, lse);
  check(tensors, options);
  const std::unique_ptr<Executor> executor = options.executor();
  raise_unless_ok([&] { return attend::attention_varlen(tensors, options.attention, *executor); });
}

std::string explain_varlen(const Array& query, const Array& key, const Array& value,
                           const Starts& query_starts, const Starts& key_starts, const Array& output,
                           const Array* lse, const nb::kwargs& named) {
  const PackedOptions options(named);
  const PackedAttentionTensors tensors = tensors_of(query, key, value, query_starts, key_starts, output, lse);
  check(tensors, options);
  return value_or_raise(attend::explain_varlen(tensors, options.attention));
}

void attention_varlen_backward(const Array& output_gradient, const Array& query, const Array& key,
                               const Array& value, const Array& output, const Array& lse,
                               const Starts& query_starts, const Starts& key_starts,
                               const Array& query_gradient, const Array& key_gradient,
                               const Array& value_gradient, const Array* bias_gradient,
                               const Array* sinks_gradient, const nb::kwargs& named) {
  const PackedOptions options(named);
  PackedAttentionGradientTensors tensors;
  tensors.query = query.packed();
  tensors.key = key.packed();
  tensors.value = value.packed();
  tensors.query_starts = numbers(query_starts);
  tensors.key_starts = numbers(key_starts);
  tensors.output = output.packed();
  tensors.lse = lse.packed_rows();
  tensors.output_gradient = output_gradient.packed();
  tensors.query_gradient = query_gradient.packed();
  tensors.key_gradient = key_gradient.packed();
  tensors.value_gradient = value_gradient.packed();
  if (bias_gradient != nullptr) tensors.bias_gradient = bias_gradient->broadcast();
  if (sinks_gradient != nullptr) tensors.sinks_gradient = sinks_gradient->per_head();
  check(tensors, options);
  const std::unique_ptr<Executor> executor = options.executor();
  raise_unless_ok([&] { return attend::attention_varlen_backward(tensors, options.attention, *executor); });
}

}  // namespace

void bind_varlen(nb::module_& m) {
  m.def("attention_varlen", &attention_varlen, "query"_a, "key"_a, "value"_a, "query_starts"_a,
        "key_starts"_a, "output"_a, "lse"_a.none(), "options"_a);
  m.def("attention_varlen_backward", &attention_varlen_backward, "output_gradient"_a, "query"_a, "key"_a,
        "value"_a, "output"_a, "lse"_a, "query_starts"_a, "key_starts"_a, "query_gradient"_a,
        "key_gradient"_a, "value_gradient"_a, "bias_gradient"_a.none(), "sinks_gradient"_a.none(),
        "options"_a);
  m.def("explain_varlen", &explain_varlen, "query"_a, "key"_a, "value"_a, "query_starts"_a, "key_starts"_a,
        "output"_a, "lse"_a.none(), "options"_a);
}

}  // namespace attend::python
