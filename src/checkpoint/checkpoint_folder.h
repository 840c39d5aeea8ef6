// A checkpoint in a folder, as the Hugging Face hub lays them out: one safetensors file, or several that an
// index names.
//
//   model.safetensors                   all tensors
//   model.safetensors.index.json        {"weight_map": {tensor: file, ...}}: the tensors of several files
#ifndef ATTEND_CHECKPOINT_CHECKPOINT_FOLDER_H_
#define ATTEND_CHECKPOINT_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "attend/status.h"
#include "checkpoint/safetensors.h"

namespace attend {

class CheckpointFolder {
 public:
  struct Tensor {
    const CheckpointTensor* stored;
    std::shared_ptr<const Safetensors> file;  // whose mapping the bytes lie in
  };

  /// Maps the files and checks all headers, and that index and files agree to the tensor. Errors: kNotFound
  /// for a folder without weights or a file that the index names; kIo; kCorrupt naming the file and the
  /// tensor; kUnsupported for a folder that has pytorch_model.bin alone.
  static Result<CheckpointFolder> open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  /// Bytes of all tensors.
  int64_t bytes() const;

 private:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}
  Status add(const std::string& file_name, const std::map<std::string, std::string>* weight_map);

  std::string path_;
  std::map<std::string, Tensor> tensors_;
};

/// The whole of a text file in a checkpoint's folder. Errors: kNotFound, kIo; kCorrupt past `most_bytes`.
Result<std::string> read_text_file(const std::string& path, size_t most_bytes);

}  // namespace attend

#endif  // ATTEND_CHECKPOINT_CHECKPOINT_FOLDER_H_
