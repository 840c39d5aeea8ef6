// The fields of a JSON object that must be exactly those that are known.
#ifndef ATTEND_MODEL_JSON_FIELDS_H_
#define ATTEND_MODEL_JSON_FIELDS_H_

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "attend/status.h"
#include "nn/transformer_block.h"

namespace attend {

/// An object whose fields are asked for by name. A value is left alone when its field is missing or of
/// another type; the first complaint goes to `status`, as kCorrupt, with the field's path. Borrows all that
/// it is given.
class JsonFields {
 public:
  using Json = nlohmann::ordered_json;  // in the order of writing

  JsonFields(const Json& object, std::string path, Status& status)
      : object_(object), path_(std::move(path)), status_(status) {
    if (!object_.is_object()) complain("is not an object");
  }
  /// Complains of a field that nobody asked for.
  void finish() {
    if (!object_.is_object()) return;
    for (const auto& [key, value] : object_.items()) {
      if (!asked_.contains(key)) complain_of(key, "is not a field that this version knows");
    }
  }

  template <class Integer>
  void integer(const char* key, Integer& value) {
    const Json* field = find(key);
    if (!field) return;
    // Every limit fits 32 bits, so what does not would only be narrowed into something that looks right.
    const bool fits =
        field->is_number_unsigned()
            ? field->get<uint64_t>() <= std::numeric_limits<int32_t>::max()
            : field->is_number_integer() && field->get<int64_t>() >= std::numeric_limits<int32_t>::min();
    if (!fits) return complain_of(key, "is not an integer in range");
    value = field->get<Integer>();
  }
  void number(const char* key, double& value) {
    const Json* field = find(key);
    if (!field) return;
    if (!field->is_number()) return complain_of(key, "is not a number");
    value = field->get<double>();
  }
  void text(const char* key, std::string& value) {
    const Json* field = find(key);
    if (!field) return;
    if (!field->is_string()) return complain_of(key, "is not text");
    value = field->get<std::string>();
  }
  void norm(const char* key, NormPlacement& value) {
    const Json* field = find(key);
    if (!field) return;
    if (*field != "pre" && *field != "post") return complain_of(key, "is neither \"pre\" nor \"post\"");
    value = *field == "pre" ? NormPlacement::kPre : NormPlacement::kPost;
  }
  /// A field that may be missing, which files from before it was known are.
  void optional_attention(const char* key, MemoryAttentionKind& value) {
    if (!object_.is_object() || !object_.contains(key)) return;
    const Json& field = *find(key);
    const auto kind =
        field.is_string() ? memory_attention_of(field.get_ref<const std::string&>()) : std::nullopt;
    if (!kind) return complain_of(key, "is no kind of attention that this version knows");
    value = *kind;
  }
  const Json& object(const char* key) {
    static const Json kEmpty = Json::object();
    const Json* field = find(key);
    return field ? *field : kEmpty;
  }

 private:
  const Json* find(const char* key) {
    asked_.insert(key);
    if (!object_.is_object()) return nullptr;
    const auto field = object_.find(key);
    if (field != object_.end()) return &*field;
    complain_of(key, "is missing");
    return nullptr;
  }
  void complain_of(const std::string& key, const char* what) {
    if (status_.ok()) status_ = {StatusCode::kCorrupt, fmt::format("{}.{} {}", path_, key, what)};
  }
  void complain(const char* what) {
    if (status_.ok()) status_ = {StatusCode::kCorrupt, fmt::format("{} {}", path_, what)};
  }

  const Json& object_;
  const std::string path_;
  Status& status_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace attend

#endif  // ATTEND_MODEL_JSON_FIELDS_H_
