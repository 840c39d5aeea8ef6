// Names for the files of maps.
#ifndef ATTEND_CLI_MAP_NAMES_H_
#define ATTEND_CLI_MAP_NAMES_H_

#include <set>
#include <string>
#include <string_view>

namespace attend {

/// What the names of contact sheets end with.
inline constexpr std::string_view kMapEnding = ".maps.png";

/// Gives each photo of a run a name of its own in one folder: "beach.jpg" -> "beach.maps.png", and a second
/// photo called beach "beach-2.maps.png". The ending keeps a sheet from taking the place of a photo when both
/// are in one folder, and folders' sheets from being captioned; a long name is cut to leave room for it.
class MapNames {
 public:
  std::string name_for(std::string_view photo_path);

 private:
  std::set<std::string> given_;
};

}  // namespace attend

#endif  // ATTEND_CLI_MAP_NAMES_H_
