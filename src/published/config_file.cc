#include "published/config_file.h"

#include <fmt/format.h>

#include <cmath>

#include "checkpoint/checkpoint_folder.h"

namespace attend {
namespace {

using Json = nlohmann::json;

/// An integer of JSON that fits 64 bits with a sign.
std::optional<int64_t> integer_in(const Json& value) {
  if (value.is_number_unsigned()) {
    const uint64_t number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  return std::nullopt;
}

}  // namespace

Result<Json> read_json_file(const std::string& path, size_t most_bytes, int most_levels) {
  const Result<std::string> text = read_text_file(path, most_bytes);
  if (!text.ok()) return text.status();
  bool deep = false;
  const auto look = [&](int depth, Json::parse_event_t, Json&) {
    deep = deep || depth > most_levels;
    return !deep;
  };
  Json parsed = Json::parse(text.value(), look, /*allow_exceptions=*/false);
  if (deep || !parsed.is_object()) {
    return Status(StatusCode::kCorrupt,
                  path + (deep ? ": nests too deeply" : ": is not a JSON object, or cut short"));
  }
  return parsed;
}

ConfigFields::ConfigFields(const Json& object, std::string file, std::string path, Status& status)
    : object_(object), file_(std::move(file)), path_(std::move(path)), status_(status) {}

const Json* ConfigFields::find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  const auto field = object_.find(key);
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

std::string ConfigFields::path_to(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

void ConfigFields::complain_of(const char* key, const std::string& what) const {
  if (status_.ok()) status_ = {StatusCode::kCorrupt, fmt::format("{}: {} {}", file_, path_to(key), what)};
}

int64_t ConfigFields::integer(const char* key, int64_t least, int64_t most,
                              std::optional<int64_t> otherwise) const {
  const Json* field = find(key);
  if (field == nullptr) {
    if (!otherwise) complain_of(key, "is missing");
    return otherwise.value_or(least);
  }
  const std::optional<int64_t> value = integer_in(*field);
  if (value && *value >= least && *value <= most) return *value;
  complain_of(key, value ? fmt::format("is {}, and must be from {} to {}", *value, least, most)
                         : "is not an integer");
  return otherwise.value_or(least);
}

double ConfigFields::number(const char* key, double least, double most,
                            std::optional<double> otherwise) const {
  const Json* field = find(key);
  if (field == nullptr) {
    if (!otherwise) complain_of(key, "is missing");
    return otherwise.value_or(least);
  }
  if (field->is_number()) {
    const double value = field->get<double>();
    if (value >= least && value <= most) return value;
    complain_of(key, fmt::format("is {}, and must be from {} to {}", value, least, most));
  } else {
    complain_of(key, "is not a number");
  }
  return otherwise.value_or(least);
}

bool ConfigFields::flag(const char* key, std::optional<bool> otherwise) const {
  const Json* field = find(key);
  if (field != nullptr && field->is_boolean()) return field->get<bool>();
  if (field != nullptr) complain_of(key, "is neither true nor false");
  if (field == nullptr && !otherwise) complain_of(key, "is missing");
  return otherwise.value_or(false);
}

std::string ConfigFields::text(const char* key, const std::optional<std::string>& otherwise) const {
  const Json* field = find(key);
  if (field != nullptr && field->is_string()) return field->get<std::string>();
  if (field != nullptr) complain_of(key, "is not a string");
  if (field == nullptr && !otherwise) complain_of(key, "is missing");
  return otherwise.value_or("");
}

std::vector<int64_t> ConfigFields::integers(const char* key, int64_t least, int64_t most) const {
  const Json* field = find(key);
  if (field == nullptr) return {};
  if (!field->is_array()) return {integer(key, least, most)};
  std::vector<int64_t> values;
  for (const Json& item : *field) {
    const std::optional<int64_t> value = integer_in(item);
    if (!value || *value < least || *value > most) {
      complain_of(key, fmt::format("holds something else than integers from {} to {}", least, most));
      return {};
    }
    values.push_back(*value);
  }
  return values;
}

std::vector<double> ConfigFields::numbers(const char* key, size_t count,
                                          std::span<const double> otherwise) const {
  const Json* field = find(key);
  if (field == nullptr) return {otherwise.begin(), otherwise.end()};
  std::vector<double> values;
  if (field->is_array()) {
    for (const Json& item : *field) {
      if (item.is_number() && std::isfinite(item.get<double>())) values.push_back(item.get<double>());
    }
    if (values.size() == count && field->size() == count) return values;
  }
  complain_of(key, fmt::format("is not a list of {} numbers", count));
  return {otherwise.begin(), otherwise.end()};
}

ConfigFields ConfigFields::object(const char* key, Needed needed) const {
  static const Json kEmpty = Json::object();
  const Json* field = find(key);
  if (field == nullptr && needed == Needed::kYes) complain_of(key, "is missing");
  if (field != nullptr && !field->is_object()) complain_of(key, "is not an object");
  return {field != nullptr && field->is_object() ? *field : kEmpty, file_, path_to(key), status_};
}

}  // namespace attend
