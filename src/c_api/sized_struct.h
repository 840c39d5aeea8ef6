// Structs that begin with their own size, so that callers and library can be of different ages.
#ifndef ATTEND_C_API_SIZED_STRUCT_H_
#define ATTEND_C_API_SIZED_STRUCT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "attend/status.h"

namespace attend::c_api {

/// Copies `from`, which is `from->size` bytes long, to `to`. Fields that an older caller does not know become
/// 0; fields of a newer caller that this library does not know must be 0. A size beyond kLargestStruct is
/// taken for a field that was never set.
inline constexpr size_t kLargestStruct = 4096;

template <class T>
Status read_struct(const T* from, const char* name, T& to) {
  if (from == nullptr) {
    return {StatusCode::kInvalidArgument, std::string(name) + " is a null pointer"};
  }
  const size_t size = from->size;
  if (size < sizeof(size_t) || size > kLargestStruct) {
    return {StatusCode::kInvalidArgument, std::string(name) + ".size is " + std::to_string(size) +
                                              ", but must be its sizeof, which is " +
                                              std::to_string(sizeof(T)) + " here"};
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(from);
  if (size > sizeof(T) &&
      std::any_of(bytes + sizeof(T), bytes + size, [](std::byte b) { return b != std::byte{0}; })) {
    return {StatusCode::kUnsupported, std::string(name) + " is " + std::to_string(size) +
                                          " bytes long and sets something after the " +
                                          std::to_string(sizeof(T)) + " that this version of attend knows"};
  }
  to = T{};
  std::memcpy(&to, from, std::min(size, sizeof(T)));
  return {};
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_SIZED_STRUCT_H_
