#include "binding/decode.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <vector>

#include "attend/decode.h"
#include "binding/array.h"
#include "binding/kv_cache.h"
#include "binding/options.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

/// A call but for its cache, and what it borrows.
class Call {
 public:
  Call(const Array& query, const Array& output, const Array* lse, const nb::object& sequences,
       const nb::object& query_counts, const nb::kwargs& named)
      : options_(named),
        sequences_(small_integers(sequences, "sequences", "batch row")),
        query_counts_(integers(query_counts, "query_counts", "batch row")),
        decode_(options_.decode) {
    decode_.query_counts = query_counts_;
    tensors_.query = query.heads(options_.layout);
    tensors_.output = output.heads(options_.layout);
    if (lse != nullptr) tensors_.lse = lse->rows();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::unique_ptr<Executor> executor() const { return options_.executor(); }

  /// body(tensors, options) on the view of a cache.
  template <class Cached, class Body>
  auto over(const Cached& cache, Body&& body) const {
    return cache.read(sequences_, [&](const KvView& view) {
      DecodeTensors tensors = tensors_;
      tensors.cache = view;
      return body(tensors, decode_);
    });
  }

 private:
  CacheOptions options_;
  std::vector<int32_t> sequences_;
  std::vector<int64_t> query_counts_;
  DecodeOptions decode_;
  DecodeTensors tensors_;
};

template <class Cached>
void attention_decode(const Array& query, const Cached& cache, const Array& output, const Array* lse,
                      const nb::object& sequences, const nb::object& query_counts, const nb::kwargs& named) {
  const Call call(query, output, lse, sequences, query_counts, named);
  const std::unique_ptr<Executor> executor = call.executor();
  raise_if_error(call.over(cache, [&](const DecodeTensors& tensors, const DecodeOptions& options) {
    return attend::attention_decode(tensors, options, *executor);
  }));
}

template <class Cached>
std::string explain_decode(const Array& query, const Cached& cache, const Array& output, const Array* lse,
                           const nb::object& sequences, const nb::object& query_counts,
                           const nb::kwargs& named) {
  const Call call(query, output, lse, sequences, query_counts, named);
  return value_or_raise(call.over(cache, attend::explain_decode));
}

template <class Cached>
void bind_over(nb::module_& m) {
  m.def("attention_decode", &attention_decode<Cached>, "query"_a, "cache"_a, "output"_a, "lse"_a.none(),
        "sequences"_a.none(), "query_counts"_a.none(), "options"_a);
  m.def("explain_decode", &explain_decode<Cached>, "query"_a, "cache"_a, "output"_a, "lse"_a.none(),
        "sequences"_a.none(), "query_counts"_a.none(), "options"_a);
}

void merge(const Array& first_output, const Array& first_lse, const Array& second_output,
           const Array& second_lse, const Array& output, const Array& lse, const std::string& layout_name,
           const nb::object& threads) {
  const Layout layout = layout_from_name(layout_name);
  const MergeTensors tensors = {{first_output.heads(layout), first_lse.rows()},
                                {second_output.heads(layout), second_lse.rows()},
                                output.heads(layout),
                                lse.rows()};
  const std::unique_ptr<Executor> executor = executor_of(threads);
  raise_unless_ok([&] { return attend::merge(tensors, *executor); });
}

}  // namespace

void bind_decode(nb::module_& m) {
  bind_over<Cache>(m);
  bind_over<PagedArrays>(m);
  m.def("merge", &merge, "first_output"_a, "first_lse"_a, "second_output"_a, "second_lse"_a, "output"_a,
        "lse"_a, "layout"_a, "threads"_a.none());
}

}  // namespace attend::python
