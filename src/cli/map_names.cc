#include "cli/map_names.h"

#include <filesystem>

#include "base/file_names.h"

namespace attend {

std::string MapNames::name_for(std::string_view photo_path) {
  const std::string stem = std::filesystem::path(photo_path).stem().string();
  const auto named = [&stem](const std::string& number) {
    const std::string end = number + std::string(kMapEnding);
    return with_room(stem, end.size()) + end;
  };
  std::string name = named("");
  for (int number = 2; !given_.insert(name).second; ++number) name = named("-" + std::to_string(number));
  return name;
}

}  // namespace attend
