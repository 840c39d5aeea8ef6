// The settings of a published model: JSON files of which only some fields matter here, and whose absent
// fields stand for the defaults of the class that wrote them.
#ifndef ATTEND_PUBLISHED_CONFIG_FILE_H_
#define ATTEND_PUBLISHED_CONFIG_FILE_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"

namespace attend {

/// Parses a JSON object of few levels. Errors: kNotFound, kIo; kCorrupt naming the file.
Result<nlohmann::json> read_json_file(const std::string& path, size_t most_bytes, int most_levels = 16);

/// An object whose fields are read by name, with defaults. The first complaint goes to `status` as kCorrupt,
/// with the file and the field's path; what is asked for after that gets its default. A field that is null is
/// absent. Borrows all that it is given.
class ConfigFields {
 public:
  using Json = nlohmann::json;

  ConfigFields(const Json& object, std::string file, std::string path, Status& status);

  /// Whether the field is there and not null.
  bool has(const char* key) const { return find(key) != nullptr; }

  /// In [least, most], else a complaint. Without a default the field must be there.
  int64_t integer(const char* key, int64_t least, int64_t most, std::optional<int64_t> otherwise = {}) const;
  double number(const char* key, double least, double most, std::optional<double> otherwise = {}) const;
  bool flag(const char* key, std::optional<bool> otherwise = {}) const;
  std::string text(const char* key, const std::optional<std::string>& otherwise = {}) const;
  /// An integer, or a list of some. Empty when absent.
  std::vector<int64_t> integers(const char* key, int64_t least, int64_t most) const;
  /// A list of `count` numbers.
  std::vector<double> numbers(const char* key, size_t count, std::span<const double> otherwise) const;
  /// An object; an empty one when absent and `required` is false.
  enum class Needed { kNo, kYes };
  ConfigFields object(const char* key, Needed needed = Needed::kNo) const;

  /// The field itself, or null.
  const Json* find(const char* key) const;
  void complain_of(const char* key, const std::string& what) const;
  bool ok() const { return status_.ok(); }

 private:
  std::string path_to(const char* key) const;

  const Json& object_;
  std::string file_, path_;
  Status& status_;
};

}  // namespace attend

#endif  // ATTEND_PUBLISHED_CONFIG_FILE_H_
