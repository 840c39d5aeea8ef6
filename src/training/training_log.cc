#include "training/training_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/atomic_file.h"
#include "base/mapped_file.h"

namespace attend {
namespace {

constexpr size_t kColumns = 10;

std::string names(const RunTerms& terms) {
  return fmt::format("step\tepoch\tloss\tlearning_rate\tgradient_norm\t{}_per_second\treward\tset\t{}\t{}\n",
                     terms.examples, terms.score, terms.second);
}

std::string line_of(const LogRow& row) {
  if (!row.set.empty()) {
    return fmt::format("{}\t{}\t\t\t\t\t\t{}\t{:.6f}\t{}\n", row.step, row.epoch, row.set, row.score,
                       row.second ? fmt::format("{:.6f}", *row.second) : "");
  }
  return fmt::format("{}\t{}\t{:.6f}\t{:.6g}\t{:.4f}\t{:.1f}\t{:.6f}\t\t\t\n", row.step, row.epoch, row.loss,
                     row.learning_rate, row.gradient_norm, row.examples_per_second, row.reward);
}

std::vector<std::string_view> cut(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t tab; (tab = line.find('\t')) != std::string_view::npos; line.remove_prefix(tab + 1)) {
    fields.push_back(line.substr(0, tab));
  }
  fields.push_back(line);
  return fields;
}

/// An empty field leaves the number alone.
template <class T>
bool parse(std::string_view field, T& number) {
  if (field.empty()) return true;
  const auto result = std::from_chars(field.data(), field.data() + field.size(), number);
  return result.ec == std::errc() && result.ptr == field.data() + field.size();
}

bool parse(std::string_view field, std::optional<double>& number) {
  return field.empty() || parse(field, number.emplace());
}

bool parse_row(std::string_view line, LogRow& row) {
  const std::vector<std::string_view> fields = cut(line);
  if (fields.size() != kColumns) return false;
  row.set = std::string(fields[7]);
  return parse(fields[0], row.step) && parse(fields[1], row.epoch) && parse(fields[2], row.loss) &&
         parse(fields[3], row.learning_rate) && parse(fields[4], row.gradient_norm) &&
         parse(fields[5], row.examples_per_second) && parse(fields[6], row.reward) &&
         parse(fields[8], row.score) && parse(fields[9], row.second);
}

/// The rows below the line of names. A log is told, and nothing is read from it that a run goes on from: what
/// is no row, such as a line that a kill cut short, is left out.
std::vector<LogRow> parse_rows(std::string_view text) {
  std::vector<LogRow> rows;
  text.remove_prefix(std::min(text.find('\n'), text.size()));
  while (!text.empty()) {
    text.remove_prefix(1);
    const size_t end = text.find('\n');
    LogRow row;
    if (end != std::string_view::npos && parse_row(text.substr(0, end), row)) rows.push_back(row);
    text.remove_prefix(std::min(end, text.size()));
  }
  return rows;
}

/// A name without what ends fields and lines.
std::string in_one_field(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return name;
}

}  // namespace

Result<TrainingLog> TrainingLog::open(const std::string& path, const RunTerms& terms, int64_t step,
                                      int64_t epochs) {
  TrainingLog log(path);
  Result<MappedFile> file = MappedFile::open(path);
  if (file.ok()) {
    const std::span<const std::byte> bytes = file.value().bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    log.rows_ = parse_rows(text);
    std::erase_if(log.rows_, [=](const LogRow& row) {
      return row.step > step || (!row.set.empty() && row.epoch > epochs);
    });
  } else if (file.status().code() != StatusCode::kNotFound) {
    return file.status();
  }
  std::string text = names(terms);
  for (const LogRow& row : log.rows_) text += line_of(row);
  ATTEND_RETURN_IF_ERROR(write_file(path, text));
  return log;
}

Status TrainingLog::add(const LogRow& row) {
  rows_.push_back(row);
  rows_.back().set = in_one_field(row.set);
  const std::string line = line_of(rows_.back());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "a"), std::fclose);
  if (file != nullptr && std::fwrite(line.data(), 1, line.size(), file.get()) == line.size() &&
      std::fflush(file.get()) == 0) {
    return {};
  }
  return {StatusCode::kIo, path_ + ": cannot write"};
}

}  // namespace attend
