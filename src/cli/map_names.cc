#include "cli/map_names.h"

#include <filesystem>

namespace attend {

std::string MapNames::name_for(std::string_view photo_path) {
  const std::string stem = std::filesystem::path(photo_path).stem().string();
  std::string name = stem + ".maps.png";
  for (int number = 2; !given_.insert(name).second; ++number) {
    name = stem + "-" + std::to_string(number) + ".maps.png";
  }
  return name;
}

}  // namespace attend
