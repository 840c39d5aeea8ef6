// The safetensors container (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON
// header of names, types, shapes and byte ranges, and the tensors themselves. Read in place, written whole.
//
// A file is hostile until proven otherwise: every length, offset, shape product and type of the header is
// checked against the file's true size before a byte of a tensor is looked at. Ranges may neither overlap nor
// leave holes. Every error names the file, and the tensor where there is one.
#ifndef ATTEND_CHECKPOINT_SAFETENSORS_H_
#define ATTEND_CHECKPOINT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"
#include "attend/tensor.h"
#include "base/mapped_file.h"

namespace attend {

/// A tensor of a checkpoint: its bytes are borrowed from the file's mapping, little-endian and row-major.
struct CheckpointTensor {
  std::string dtype;  // as the file spells it: "F32", "F16", "BF16", "I64", ...
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

class Safetensors {
 public:
  /// Maps `path` and checks the whole header. Errors: kNotFound, kIo, kCorrupt.
  static Result<Safetensors> open(const std::string& path);

  /// The same over bytes that the caller keeps alive (the model inside the program); `name` stands in
  /// messages.
  static Result<Safetensors> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  const std::map<std::string, CheckpointTensor>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// Errors: kCorrupt, "FILE: metadata lacks KEY".
  Result<std::string> metadata_value(const std::string& key) const;

  bool contains(const std::string& tensor) const { return tensors_.contains(tensor); }

  /// Widens an F32, F16, BF16 or F64 tensor of exactly `shape` into `destination` (row-major).
  /// Errors: kNotFound "FILE: no tensor NAME", kCorrupt naming the tensor and both shapes or the type.
  Status read(const std::string& tensor, std::span<const int64_t> shape, std::span<float> destination) const;

  /// The shape of `tensor`. Errors: kNotFound.
  Result<std::vector<int64_t>> shape(const std::string& tensor) const;

  /// Lets the system take back the memory of a tensor of this file that is not read again soon. It may be
  /// read all the same: its pages come from the disk then.
  void release(const CheckpointTensor& tensor) const {
    if (file_) file_->release(tensor.bytes);
  }

 private:
  std::optional<MappedFile> file_;
  std::string name_;
  std::map<std::string, CheckpointTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// How a tensor is stored.
enum class StoredType { kFloat32, kFloat16, kBFloat16, kFloat64, kBytes };

/// A tensor to be written: float `values`, or for kBytes the `bytes` themselves. Both are borrowed.
struct TensorToWrite {
  std::string name;
  std::vector<int64_t> shape;
  std::span<const float> values;
  StoredType stored = StoredType::kFloat32;
  std::span<const std::byte> bytes = {};

  size_t elements() const { return stored == StoredType::kBytes ? bytes.size() : values.size(); }
};

/// Writes a checkpoint atomically (write, then rename). The bytes depend on the arguments alone.
/// Errors: kInvalidArgument for a name given twice or a shape that does not fit its values, kIo, kNotFound.
Status write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                         const std::map<std::string, std::string>& metadata);

}  // namespace attend

#endif  // ATTEND_CHECKPOINT_SAFETENSORS_H_
