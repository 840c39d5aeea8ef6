#include "evaluation/captions_file.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/mapped_file.h"
#include "language/utf8.h"

namespace attend {
namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// The lines of a text that are not blank, with their numbers from 1.
class Lines {
 public:
  Lines(std::string_view text, std::string_view name) : rest_(text), name_(name) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const size_t end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++number_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!is_blank(line)) return line;
    }
    return std::nullopt;
  }

  /// What is wrong with the last line.
  Status corrupt(const std::string& fault) const {
    return {StatusCode::kCorrupt, std::string(name_) + ":" + std::to_string(number_) + ": " + fault};
  }

 private:
  std::string_view rest_, name_;
  int64_t number_ = 0;
};

std::vector<std::string_view> split_columns(std::string_view line) {
  std::vector<std::string_view> columns;
  for (size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    columns.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  columns.push_back(line);
  return columns;
}

std::optional<int32_t> parse_index(std::string_view text) {
  int32_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index < 0) return std::nullopt;
  return index;
}

Status nothing_in(std::string_view name) {
  return {StatusCode::kCorrupt, std::string(name) + ": holds 0 captions"};
}

Result<DatasetCaption> parse_dataset_line(const Lines& lines, std::string_view line) {
  const auto columns = split_columns(line);
  if (columns.size() != 4) {
    return lines.corrupt("a row has 4 columns (image, split, index, caption), this one " +
                         std::to_string(columns.size()));
  }
  if (!is_utf8(line)) return lines.corrupt("not UTF-8");
  if (columns[0].empty()) return lines.corrupt("the image is empty");
  if (columns[1].empty()) return lines.corrupt("the split is empty");
  const auto index = parse_index(columns[2]);
  if (!index) return lines.corrupt("the index \"" + std::string(columns[2]) + "\" is no number in [0, 2^31)");
  return DatasetCaption{std::string(columns[0]), std::string(columns[1]), *index, std::string(columns[3])};
}

Result<CandidateCaption> parse_tsv_line(const Lines& lines, std::string_view line) {
  const auto columns = split_columns(line);
  if (columns.size() != 2) {
    return lines.corrupt("a row has 2 columns (file, caption), this one " + std::to_string(columns.size()));
  }
  if (!is_utf8(line)) return lines.corrupt("not UTF-8");
  return CandidateCaption{std::string(columns[0]), std::string(columns[1])};
}

Result<CandidateCaption> parse_json_line(const Lines& lines, std::string_view line) {
  const nlohmann::json row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object()) return lines.corrupt("not a JSON object");
  CandidateCaption candidate;
  const std::array<std::pair<const char*, std::string*>, 2> members = {
      {{"file", &candidate.image}, {"caption", &candidate.text}}};
  for (const auto& [name, destination] : members) {
    const auto member = row.find(name);
    if (member == row.end() || !member->is_string()) {
      return lines.corrupt("the row lacks the string \"" + std::string(name) + "\"");
    }
    *destination = member->get<std::string>();
  }
  return candidate;
}

// What has been seen of an image in a data set.
struct SeenImage {
  std::string split;
  std::set<int32_t> indices;
};

template <class Row>
Result<std::vector<Row>> read_rows(const std::string& path,
                                   Result<std::vector<Row>> (*parse)(std::string_view, std::string_view)) {
  auto file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const auto bytes = file.value().bytes();
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace

Result<std::vector<DatasetCaption>> parse_dataset_captions(std::string_view text, std::string_view name) {
  Lines lines(text, name);
  std::vector<DatasetCaption> captions;
  std::unordered_map<std::string, SeenImage> images;
  while (const auto line = lines.next()) {
    auto caption = parse_dataset_line(lines, *line);
    if (!caption.ok()) return caption.status();
    const auto& [image, split, index, words] = caption.value();
    SeenImage& seen = images.try_emplace(image, SeenImage{split, {}}).first->second;
    if (seen.split != split)
      return lines.corrupt(image + " is in both \"" + seen.split + "\" and \"" + split + "\"");
    if (!seen.indices.insert(index).second) {
      return lines.corrupt(image + " has two captions with the index " + std::to_string(index));
    }
    captions.push_back(std::move(caption).value());
  }
  if (captions.empty()) return nothing_in(name);
  return captions;
}

Result<std::vector<CandidateCaption>> parse_candidate_captions(std::string_view text, std::string_view name) {
  Lines lines(text, name);
  std::vector<CandidateCaption> captions;
  bool json = false;
  while (const auto line = lines.next()) {
    if (captions.empty()) json = line->starts_with('{');
    auto caption = json ? parse_json_line(lines, *line) : parse_tsv_line(lines, *line);
    if (!caption.ok()) return caption.status();
    if (caption.value().image.empty()) return lines.corrupt("the file name is empty");
    captions.push_back(std::move(caption).value());
  }
  if (captions.empty()) return nothing_in(name);
  return captions;
}

Result<std::vector<DatasetCaption>> read_dataset_captions(const std::string& path) {
  return read_rows(path, parse_dataset_captions);
}

Result<std::vector<CandidateCaption>> read_candidate_captions(const std::string& path) {
  return read_rows(path, parse_candidate_captions);
}

}  // namespace attend
