// Caches of keys and values: attend's own, and arrays of the caller's.
#ifndef ATTEND_PYTHON_BINDING_KV_CACHE_H_
#define ATTEND_PYTHON_BINDING_KV_CACHE_H_

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>

#include "attend/executor.h"
#include "attend/kv_cache.h"
#include "attend/status.h"
#include "binding/array.h"

namespace attend::python {

/// A KvCache that threads may share: what changes it has it alone, and waits without the interpreter's lock.
class Cache {
 public:
  explicit Cache(const KvCacheOptions& options);

  int64_t value_width() const { return cache_.options().value_width; }

  /// body(cache), with nobody else there.
  template <class Body>
  auto change(Body&& body) {
    const nb::gil_scoped_release others_may_run;
    const std::unique_lock alone(mutex_);
    return body(cache_);
  }

  /// body(cache), with nobody changing it.
  template <class Body>
  auto look(Body&& body) const {
    const nb::gil_scoped_release others_may_run;
    const std::shared_lock unchanged(mutex_);
    return body(cache_);
  }

  /// body(view), with nobody changing what it looks at.
  template <class Body>
  auto read(std::span<const int32_t> sequences, Body&& body) const {
    return look([&](const KvCache& cache) { return body(cache.view(sequences)); });
  }

 private:
  mutable std::shared_mutex mutex_;
  KvCache cache_;
};

/// Pages that are arrays of the caller's, and a copy of who has which.
class PagedArrays {
 public:
  using Integers = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig>;
  using Table = nb::ndarray<const int32_t, nb::ndim<2>, nb::c_contig>;

  /// Scales that are null are absent.
  PagedArrays(const Array& key, const Array& value, const Array* key_scale, const Array* value_scale,
              Integers lengths, std::optional<Table> table);

  int64_t value_width() const { return view_.value.shape[3]; }

  /// body(view). Writing to it takes arrays that were imported as writable.
  template <class Body>
  auto read(std::span<const int32_t> sequences, Body&& body) const {
    const nb::gil_scoped_release others_may_run;
    MutableKvView view = view_;
    view.sequences = sequences;
    return body(view);
  }

 private:
  Array key_, value_;
  std::optional<Array> key_scale_, value_scale_;
  Integers lengths_;
  std::optional<Table> table_;
  MutableKvView view_;
};

/// KvCache, PagedArrays and kv_append.
void bind_kv_cache(nb::module_& m);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_KV_CACHE_H_
