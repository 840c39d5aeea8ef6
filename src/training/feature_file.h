// Patch features of many photos and of their mirror images, as half floats in one file.
//
// The file is a page of header and then [photos, 2, patches, width] halves, the photo before its mirror
// image. It is written front to back under a temporary name; the header says how many photos are wholly on
// the disk, so that a killed writer goes on where it was.
#ifndef ATTEND_TRAINING_FEATURE_FILE_H_
#define ATTEND_TRAINING_FEATURE_FILE_H_

#include <cstdint>
#include <span>
#include <string>

#include "attend/status.h"
#include "base/mapped_file.h"

namespace attend {

struct FeatureFileShape {
  uint64_t key = 0;  // a fingerprint of all that the features were made from
  int64_t photos = 0;
  int64_t patches = 0;
  int64_t width = 0;

  bool operator==(const FeatureFileShape&) const = default;
};

/// A finished file, mapped.
class FeatureFile {
 public:
  /// Errors: kNotFound, kIo; kCorrupt for a file of another format or length; kInvalidArgument for another
  /// shape or key.
  static Result<FeatureFile> open(const std::string& path, const FeatureFileShape& expected);

  const FeatureFileShape& shape() const { return shape_; }
  /// [patches * width] halves.
  std::span<const uint16_t> features(int64_t photo, bool mirrored) const;

 private:
  FeatureFile(MappedFile file, const FeatureFileShape& shape) : file_(std::move(file)), shape_(shape) {}
  MappedFile file_;
  FeatureFileShape shape_;
};

class FeatureFileWriter {
 public:
  /// Begins a file that will be `path` when finished, or goes on with one that was begun with the same shape.
  /// Errors: kNotFound when the folder does not exist, kIo (also while another program writes the same file).
  static Result<FeatureFileWriter> open(const std::string& path, const FeatureFileShape& shape);

  FeatureFileWriter(FeatureFileWriter&& other) noexcept;
  FeatureFileWriter& operator=(FeatureFileWriter&&) = delete;
  ~FeatureFileWriter();

  /// Photos that need not be written again.
  int64_t done() const { return done_; }

  /// The next photos, [n, 2, patches, width]. Errors: kIo naming the file (a full disk, say).
  Status append(std::span<const uint16_t> halves);
  /// Makes all that was appended safe against a crash.
  Status save();
  /// save(), then gives the file its name. All photos must have been appended.
  Status finish();

 private:
  FeatureFileWriter(std::string path, int file, const FeatureFileShape& shape, int64_t done);
  Status write_at(int64_t offset, std::span<const std::byte> bytes);

  std::string path_;
  int file_;
  FeatureFileShape shape_;
  int64_t done_;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_FEATURE_FILE_H_
