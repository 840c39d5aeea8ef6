// Fields of the C structs, one at a time.
#ifndef ATTEND_C_API_FIELDS_H_
#define ATTEND_C_API_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "attend/attend.h"
#include "attend/attention.h"
#include "attend/isa.h"
#include "attend/rope.h"
#include "attend/status.h"
#include "attend/tensor.h"
#include "c_api/error.h"

namespace attend::c_api {

/// A view as C describes it, its name in messages, and where it goes.
template <class From, class To>
struct ViewField {
  const From& from;
  const char* name;
  To& to;
};
using ReadField = ViewField<attend_view, TensorView>;
using WrittenField = ViewField<attend_mutable_view, MutableTensorView>;

/// A dtype that is none is an error; everything else is for the operation to check.
Status convert_views(std::initializer_list<ReadField> fields);
Status convert_views(std::initializer_list<WrittenField> fields);

Status convert_dtype(int32_t from, const char* name, DType& to);
Status convert_causal(int32_t from, Causal& to);

/// All 0 is absent.
Status convert_rope(const attend_rotation& from, Rope& to);

/// NULL is absent.
Status convert_isa(const char* word, std::optional<Isa>& isa);

/// `numbers` and `name`_count: both are set, or neither.
template <class T>
Status convert_numbers(const T* numbers, size_t count, const char* name, std::span<const T>& to) {
  const std::string word(name);
  if (numbers == nullptr && count != 0) {
    return invalid(word + " is a null pointer, but " + word + "_count is " + std::to_string(count));
  }
  if (numbers != nullptr && count == 0) return invalid(word + " is set, but " + word + "_count is 0");
  to = {numbers, count};
  return {};
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_FIELDS_H_
