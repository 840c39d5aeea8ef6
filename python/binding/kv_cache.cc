#include "binding/kv_cache.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/options.h"
#include "binding/refusal.h"
#include "binding/rope.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

KvCache made(const KvCacheOptions& options) {
  Result<KvCache> cache = KvCache::create(options);
  raise_if_error(cache.status());
  return std::move(cache).value();
}

void create(Cache* self, int64_t sequences, int64_t capacity, int64_t kv_heads, int64_t key_width,
            int64_t value_width, const std::string& dtype, int64_t page_size, int64_t pages) {
  new (self) Cache({.sequences = sequences,
                    .capacity = capacity,
                    .kv_heads = kv_heads,
                    .key_width = key_width,
                    .value_width = value_width,
                    .dtype = dtype_from_name(dtype),
                    .page_size = page_size,
                    .pages = pages});
}

/// New tokens, and what they borrow.
struct Tokens {
  Tokens(const Array& key, const Array& value, const nb::object& count, const nb::object& sequence,
         const std::string& layout_name, const nb::object& turn, const nb::object& key_positions)
      : rope(turn),
        positions(key_positions, "key_positions"),
        counts(integers(count, "counts", "batch row")),
        sequences(small_integers(sequence, "sequences", "batch row")) {
    const Layout layout = layout_from_name(layout_name);
    tokens = {key.heads(layout), value.heads(layout), counts, rope.rope(), positions.numbers()};
  }
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  RopeArgument rope;
  PositionsArgument positions;
  std::vector<int64_t> counts;
  std::vector<int32_t> sequences;
  KvTokens tokens;
};

void append(Cache& self, const Array& key, const Array& value, const nb::object& counts,
            const nb::object& sequences, const std::string& layout, const nb::object& rope,
            const nb::object& key_positions, const nb::object& threads) {
  const Tokens t(key, value, counts, sequences, layout, rope, key_positions);
  const std::unique_ptr<Executor> executor = executor_of(threads);
  raise_if_error(self.change([&](KvCache& cache) { return cache.append(t.tokens, *executor, t.sequences); }));
}

void append_to_arrays(const PagedArrays& arrays, const Array& key, const Array& value,
                      const nb::object& counts, const nb::object& sequences, const std::string& layout,
                      const nb::object& rope, const nb::object& key_positions, const nb::object& threads) {
  const Tokens t(key, value, counts, sequences, layout, rope, key_positions);
  const std::unique_ptr<Executor> executor = executor_of(threads);
  raise_if_error(arrays.read(
      t.sequences, [&](const MutableKvView& view) { return kv_append(t.tokens, view, *executor); }));
}

std::vector<int64_t> lengths(const Cache& self) {
  return self.look([](const KvCache& cache) {
    const std::span<const int64_t> lengths = cache.view().lengths;
    return std::vector<int64_t>(lengths.begin(), lengths.end());
  });
}

/// A copy: entries change with the cache.
std::vector<std::vector<int32_t>> block_table(const Cache& self) {
  return self.look([](const KvCache& cache) {
    const KvView view = cache.view();
    std::vector<std::vector<int32_t>> rows;
    for (size_t s = 0; s < view.lengths.size(); ++s) {
      const auto row = view.block_table.begin() + static_cast<int64_t>(s) * view.pages_per_sequence;
      rows.emplace_back(row, row + view.pages_per_sequence);
    }
    return rows;
  });
}

/// The pages themselves, which stay where they are as long as the cache lives.
nb::tuple pages(nb::handle_t<Cache> self) {
  const KvView view = nb::cast<const Cache&>(self).look([](const KvCache& cache) { return cache.view(); });
  return nb::make_tuple(read_only_array(view.key, self), read_only_array(view.value, self),
                        read_only_array(view.key_scale, self), read_only_array(view.value_scale, self));
}

nb::dict size(const Cache& self) {
  const KvCacheOptions o = self.look([](const KvCache& cache) { return cache.options(); });
  nb::dict size;
  size["sequences"] = o.sequences;
  size["capacity"] = o.capacity;
  size["kv_heads"] = o.kv_heads;
  size["key_width"] = o.key_width;
  size["value_width"] = o.value_width;
  size["dtype"] = name_of_dtype(o.dtype);
  size["page_size"] = o.page_size;
  size["pages"] = o.pages;
  return size;
}

}  // namespace

Cache::Cache(const KvCacheOptions& options) : cache_(made(options)) {}

PagedArrays::PagedArrays(const Array& key, const Array& value, const Array* key_scale,
                         const Array* value_scale, Integers lengths, std::optional<Table> table)
    : key_(key), value_(value), lengths_(std::move(lengths)), table_(std::move(table)) {
  view_.key = key_.pages();
  view_.value = value_.pages();
  if (key_scale != nullptr) view_.key_scale = key_scale_.emplace(*key_scale).pages();
  if (value_scale != nullptr) view_.value_scale = value_scale_.emplace(*value_scale).pages();
  view_.lengths = {lengths_.data(), lengths_.size()};
  if (table_) {
    view_.block_table = {table_->data(), table_->size()};
    view_.pages_per_sequence = static_cast<int64_t>(table_->shape(1));
  }
}

void bind_kv_cache(nb::module_& m) {
  nb::class_<Cache>(m, "KvCache", "Keys and values in pages of its own.")
      .def("__init__", &create, "sequences"_a, "capacity"_a, "kv_heads"_a, "key_width"_a, "value_width"_a,
           "dtype"_a, "page_size"_a, "pages"_a)
      .def_prop_ro("value_width", &Cache::value_width)
      .def("append", &append, "key"_a, "value"_a, "counts"_a.none(), "sequences"_a.none(), "layout"_a,
           "rope"_a.none(), "key_positions"_a.none(), "threads"_a.none())
      .def(
          "truncate",
          [](Cache& self, int64_t sequence, int64_t length) {
            raise_if_error(self.change([=](KvCache& cache) { return cache.truncate(sequence, length); }));
          },
          "sequence"_a, "length"_a)
      .def(
          "share",
          [](Cache& self, int64_t from, int64_t to, int64_t length) {
            raise_if_error(self.change([=](KvCache& cache) { return cache.share(from, to, length); }));
          },
          "from_"_a, "to"_a, "length"_a)
      .def("reset", [](Cache& self) { self.change([](KvCache& cache) { cache.reset(); }); })
      .def("lengths", &lengths)
      .def("block_table", &block_table)
      .def("pages", &pages)
      .def("size", &size)
      .def("free_pages",
           [](const Cache& self) {
             return self.look([](const KvCache& cache) { return cache.free_pages(); });
           })
      .def("nbytes",
           [](const Cache& self) { return self.look([](const KvCache& cache) { return cache.bytes(); }); });
  nb::class_<PagedArrays>(m, "PagedArrays", "Keys and values in pages that are arrays of the caller's.")
      .def(nb::init<const Array&, const Array&, const Array*, const Array*, PagedArrays::Integers,
                    std::optional<PagedArrays::Table>>(),
           "key"_a, "value"_a, "key_scale"_a.none(), "value_scale"_a.none(), "lengths"_a,
           "block_table"_a.none())
      .def_prop_ro("value_width", &PagedArrays::value_width)
      .def("append", &append_to_arrays, "key"_a, "value"_a, "counts"_a.none(), "sequences"_a.none(),
           "layout"_a, "rope"_a.none(), "key_positions"_a.none(), "threads"_a.none());
}

}  // namespace attend::python
