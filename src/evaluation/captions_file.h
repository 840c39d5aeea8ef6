// Captions in files: those of a data set, and those that a model has written.
#ifndef ATTEND_EVALUATION_CAPTIONS_FILE_H_
#define ATTEND_EVALUATION_CAPTIONS_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"

namespace attend {

/// A row of a data set's captions.tsv.
struct DatasetCaption {
  std::string image;  // a file name under images/
  std::string split;  // "train", "val", "test", ...
  int32_t index;      // of the caption among its image's
  std::string text;   // as published
};

/// Reads rows of four tab-separated columns, image, split, index and caption text, in the file's order. Blank
/// lines are skipped; a carriage return before the line feed is dropped. Errors: kNotFound, kIo; kCorrupt
/// "FILE:LINE: ..." for another number of columns, an empty image or split, an index that is no number in [0,
/// 2^31), text that is not UTF-8, an image with two splits or one index twice; an empty file.
Result<std::vector<DatasetCaption>> read_dataset_captions(const std::string& path);
Result<std::vector<DatasetCaption>> parse_dataset_captions(std::string_view text, std::string_view name);

/// A caption to be judged.
struct CandidateCaption {
  std::string image;  // the file as the program was given it; may have folders
  std::string text;   // may be empty
};

/// Reads captions as `attend caption` writes them: a line each, either FILE<TAB>CAPTION or a JSON object with
/// the strings "file" and "caption" (other members are ignored). The first line that is not blank says which:
/// an object begins with "{". Errors: kNotFound, kIo; kCorrupt "FILE:LINE: ..." for a line of another form,
/// text that is not UTF-8, an empty file name; a file without a caption.
Result<std::vector<CandidateCaption>> read_candidate_captions(const std::string& path);
Result<std::vector<CandidateCaption>> parse_candidate_captions(std::string_view text, std::string_view name);

}  // namespace attend

#endif  // ATTEND_EVALUATION_CAPTIONS_FILE_H_
