#include "checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

namespace attend {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMetadata = "__metadata__";

/// Takes the parser's events and accepts only the one nesting that the format has, so that a header nested a
/// million deep is refused at its third bracket and no tree is ever built. A handler returns false to stop.
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool number_integer(int64_t) override { return refuse("a negative number"); }
  bool number_float(double, const std::string&) override { return refuse("a fraction"); }
  bool binary(Json::binary_t&) override { return refuse("binary data"); }

  bool number_unsigned(uint64_t value) override {
    if (place_ == Place::kShape) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return refuse("too large an axis");
      header_.entries.back().shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (place_ == Place::kOffsets && offsets_seen_ < 2) {
      (offsets_seen_ == 0 ? header_.entries.back().begin : header_.entries.back().end) = value;
      ++offsets_seen_;
      return true;
    }
    return refuse("a number");
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata)
      return header_.metadata.emplace(key_, value).second || refuse("a repeated key");
    if (place_ == Place::kTensor && key_ == "dtype") {
      header_.entries.back().dtype = value;
      return true;
    }
    return refuse("a string");
  }

  bool start_object(size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kRoot;
      return true;
    }
    if (place_ != Place::kRoot) return refuse("an object");
    if (key_ == kMetadata) {
      place_ = Place::kMetadata;
      return true;
    }
    place_ = Place::kTensor;
    fields_ = {};
    offsets_seen_ = 0;
    header_.entries.push_back({.name = key_, .dtype = {}, .shape = {}});
    return true;
  }

  bool key(std::string& value) override {
    key_ = value;
    if (place_ == Place::kRoot) return names_.insert(value).second || refuse("a repeated name");
    if (place_ != Place::kTensor) return true;
    const auto* field = std::find(kFields.begin(), kFields.end(), value);
    if (field == kFields.end()) return refuse("an unknown field");
    return !std::exchange(fields_[static_cast<size_t>(field - kFields.begin())], true) ||
           refuse("a repeated field");
  }

  bool end_object() override {
    if (place_ == Place::kTensor) {
      for (size_t i = 0; i < kFields.size(); ++i) {
        if (!fields_[i]) return refuse("a missing " + std::string(kFields[i]));
      }
    }
    place_ = place_ == Place::kRoot ? Place::kEnd : Place::kRoot;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ == Place::kTensor && key_ == "shape") {
      place_ = Place::kShape;
      return true;
    }
    if (place_ == Place::kTensor && key_ == "data_offsets") {
      place_ = Place::kOffsets;
      return true;
    }
    return refuse("an array");
  }

  bool end_array() override {
    if (place_ == Place::kOffsets && offsets_seen_ != 2) return refuse("fewer than two data_offsets");
    place_ = Place::kTensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    if (problem_.empty()) problem_ = "no valid JSON at byte " + std::to_string(position);
    return false;
  }

  const std::string& problem() const { return problem_; }
  SafetensorsHeader take() { return std::move(header_); }

 private:
  enum class Place { kStart, kRoot, kMetadata, kTensor, kShape, kOffsets, kEnd };
  static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

  bool refuse(const std::string& what) {
    problem_ = what;
    if (place_ == Place::kTensor || place_ == Place::kShape || place_ == Place::kOffsets) {
      problem_ += " in the description of tensor " + quote_name(header_.entries.back().name);
    } else if (place_ != Place::kStart) {
      problem_ += " at " + quote_name(key_);
    }
    return false;
  }

  Place place_ = Place::kStart;
  std::string key_;
  std::array<bool, 3> fields_{};  // which of kFields the tensor has shown
  int offsets_seen_ = 0;
  std::unordered_set<std::string> names_;
  SafetensorsHeader header_;
  std::string problem_;
};

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, const std::string& file) {
  // The JSON parser takes a zero byte for the end of its input and would not look at what follows it.
  if (const size_t zero = json.find('\0'); zero != json.npos) {
    return Status(StatusCode::kCorrupt, file + ": header has no valid JSON at byte " + std::to_string(zero));
  }
  try {
    HeaderReader reader;
    if (Json::sax_parse(json.begin(), json.end(), &reader)) return reader.take();
    return Status(StatusCode::kCorrupt, file + ": header has " + reader.problem());
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, file + ": header too large for memory");
  } catch (const std::exception& error) {
    return Status(StatusCode::kCorrupt, file + ": header cannot be read: " + error.what());
  }
}

size_t safetensors_element_size(std::string_view dtype) {
  struct Type {
    std::string_view name;
    size_t bytes;
  };
  static constexpr Type kTypes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8},     {"I64", 8},
                                    {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U8", 1},      {"U16", 2},
                                    {"U32", 4}, {"U64", 8}, {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const Type& type : kTypes) {
    if (type.name == dtype) return type.bytes;
  }
  return 0;
}

std::string quote_name(std::string_view name) {
  constexpr size_t kLongest = 100;
  std::string text = "'";
  for (const char c : name.substr(0, kLongest))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text + (name.size() > kLongest ? "...'" : "'");
}

}  // namespace attend
