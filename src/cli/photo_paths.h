// From what a person names, files and folders, to the photographs meant.
#ifndef ATTEND_CLI_PHOTO_PATHS_H_
#define ATTEND_CLI_PHOTO_PATHS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"

namespace attend {

/// Whether a file's name ends as that of an image file does, in capitals or not: jpg, png, webp, heic, ...
bool has_photo_extension(std::string_view path);

/// What names the photograph that comes on standard input.
inline constexpr std::string_view kStandardInput = "-";

/// A photograph to caption, or why what was named leads to none.
struct PhotoPath {
  std::string path;
  Status status;
};

/// The photographs that `arguments` name, in their order. A file stands for itself, whatever its extension; a
/// folder stands for the files in it that have a photo's extension, in the order of their names' bytes, and
/// with `recursive` for those in the folders below it too, each real folder once, so that links cannot lead
/// in circles. Files and folders whose names begin with a dot, and contact sheets (map_names.h), are passed
/// over, unless they are named. kStandardInput stands for itself. A path that does not exist, a folder that
/// cannot be read and a folder without photographs give an entry with an error, each message beginning with
/// the path.
std::vector<PhotoPath> find_photos(std::span<const std::string> arguments, bool recursive);

}  // namespace attend

#endif  // ATTEND_CLI_PHOTO_PATHS_H_
