// Dense views, and what the library says of itself.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "attend/attend.h"
#include "attend/isa.h"
#include "attend/tensor.h"

namespace {

template <class View, class Data>
View dense(Data* data, int32_t dtype, const attend::Shape& shape) {
  View view = {.data = data, .dtype = dtype, .shape = {}, .stride = {}};
  std::copy_n(shape.begin(), 4, view.shape);
  std::copy_n(attend::dense_strides(shape).begin(), 4, view.stride);
  return view;
}

/// isas(), or nothing where there was no memory to list them.
std::span<const attend::Isa> known_isas() noexcept {
  try {
    static const std::vector<attend::Isa> known = attend::isas();
    return known;
  } catch (...) {
    return {};
  }
}

}  // namespace

attend_view attend_view_of(const void* data, int32_t dtype, int64_t a, int64_t b, int64_t c, int64_t d) {
  return dense<attend_view>(data, dtype, {a, b, c, d});
}

attend_mutable_view attend_mutable_view_of(void* data, int32_t dtype, int64_t a, int64_t b, int64_t c,
                                           int64_t d) {
  return dense<attend_mutable_view>(data, dtype, {a, b, c, d});
}

const char* attend_version(void) {
  return ATTEND_VERSION;
}

size_t attend_isa_count(void) {
  return known_isas().size();
}

const char* attend_isa_name(size_t index) {
  // name() looks at literals, which end in a 0.
  return index < known_isas().size() ? attend::name(known_isas()[index]).data() : nullptr;
}
