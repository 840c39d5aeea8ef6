#include "c_api/operation.h"

#include <algorithm>
#include <cstring>

#include "c_api/sized_struct.h"

namespace attend::c_api {

Status convert(const attend_resources* from, Resources& to) {
  if (from == nullptr) return {};
  attend_resources r;
  ATTEND_RETURN_IF_ERROR(read_struct(from, "resources", r));
  if (r.scratch == nullptr && r.scratch_bytes != 0) {
    return invalid("scratch is a null pointer, but scratch_bytes is " + std::to_string(r.scratch_bytes));
  }
  if (r.scratch != nullptr && r.scratch_bytes == 0) return invalid("scratch is set, but scratch_bytes is 0");
  to.executor = r.executor;
  to.scratch = {static_cast<std::byte*>(r.scratch), r.scratch_bytes};
  return {};
}

Status check_workers(int32_t workers) {
  if (workers >= 1 && workers <= kMostThreads) return {};
  return invalid("workers is " + std::to_string(workers) + ", but must be in 1.." +
                 std::to_string(kMostThreads));
}

Status write(const std::string& text, const Line& line) {
  if (line.text == nullptr && line.capacity != 0) {
    return invalid("line is a null pointer, but capacity is " + std::to_string(line.capacity));
  }
  if (line.length != nullptr) *line.length = text.size();
  if (line.capacity == 0) return {};
  const size_t written = std::min(text.size(), line.capacity - 1);
  std::memcpy(line.text, text.data(), written);
  line.text[written] = '\0';
  return {};
}

}  // namespace attend::c_api
