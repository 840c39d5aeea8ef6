#include "cli/photo_paths.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "cli/map_names.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

// Of the formats that photographs come in and that vision/photo.h decodes.
constexpr std::array<std::string_view, 12> kExtensions = {"jpg", "jpeg", "jpe",  "jfif", "png",  "webp",
                                                          "gif", "tif",  "tiff", "heic", "heif", "avif"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Status io_error(const std::string& path, const std::error_code& error) {
  const bool missing = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  return {missing ? StatusCode::kNotFound : StatusCode::kIo, path + ": " + error.message()};
}

/// Walks one folder that was named, and with `recursive` those below it.
class FolderWalk {
 public:
  FolderWalk(bool recursive, std::vector<PhotoPath>& photos) : recursive_(recursive), photos_(photos) {}

  void visit(const fs::path& folder) {
    if (!first_visit(folder)) return;
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      entries.push_back(*entry);
    }
    if (error) photos_.push_back({folder.string(), io_error(folder.string(), error)});
    std::sort(entries.begin(), entries.end());
    for (const fs::directory_entry& entry : entries) take(entry);
  }

 private:
  void take(const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || name.ends_with(kMapEnding)) return;
    std::error_code error;
    const fs::file_status status = entry.status(error);  // of what a link leads to
    if (fs::is_directory(status)) {
      if (recursive_) visit(entry.path());
    } else if (!fs::exists(status)) {
      // A link that leads nowhere, or a file that may not be looked at: worth a word only under a photo's
      // name.
      if (has_photo_extension(entry.path().native())) {
        if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
        photos_.push_back({entry.path().string(), io_error(entry.path().string(), error)});
      }
    } else if (fs::is_regular_file(status) && has_photo_extension(entry.path().native())) {
      photos_.push_back({entry.path().string(), {}});
    }
  }

  bool first_visit(const fs::path& folder) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) return true;  // opening it will say why
    return seen_.emplace(info.st_dev, info.st_ino).second;
  }

  const bool recursive_;
  std::vector<PhotoPath>& photos_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

bool has_photo_extension(std::string_view path) {
  const size_t dot = path.find_last_of("./");
  if (dot == std::string_view::npos || path[dot] != '.') return false;
  std::string extension(path.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(), lower);
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::vector<PhotoPath> find_photos(std::span<const std::string> arguments, bool recursive) {
  std::vector<PhotoPath> photos;
  for (const std::string& argument : arguments) {
    if (argument == kStandardInput) {
      photos.push_back({argument, {}});
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(argument, error);
    if (!fs::exists(status)) {
      if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
      photos.push_back({argument, io_error(argument, error)});
    } else if (fs::is_directory(status)) {
      const size_t before = photos.size();
      FolderWalk(recursive, photos).visit(argument);
      if (photos.size() == before) {
        photos.push_back(
            {argument,
             {StatusCode::kNotFound, argument + ": no photographs in this folder" +
                                         (recursive ? " or below it" : " (--recursive looks below it)")}});
      }
    } else {
      photos.push_back({argument, {}});
    }
  }
  return photos;
}

}  // namespace attend
