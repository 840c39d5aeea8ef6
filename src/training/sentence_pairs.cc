#include "training/sentence_pairs.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/mapped_file.h"
#include "language/utf8.h"

namespace attend {

Result<std::vector<std::string>> read_lines(const std::string& path) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const std::span<const std::byte> bytes = file.value().bytes();
  std::string_view text =
      without_byte_order_mark({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_utf8(line)) {
      return Status(StatusCode::kCorrupt, fmt::format("{}:{}: not UTF-8", path, lines.size() + 1));
    }
    lines.emplace_back(line);
  }
  return lines;
}

Result<ParallelText> read_parallel_text(const std::string& data, const std::string& split,
                                        const std::string& source, const std::string& target) {
  const std::string names[] = {fmt::format("{}/{}.{}", data, split, source),
                               fmt::format("{}/{}.{}", data, split, target)};
  Result<std::vector<std::string>> sources = read_lines(names[0]);
  if (!sources.ok()) return sources.status();
  Result<std::vector<std::string>> targets = read_lines(names[1]);
  if (!targets.ok()) return targets.status();
  const size_t lines = sources.value().size();
  if (lines != targets.value().size()) {
    return Status(StatusCode::kInvalidArgument, fmt::format("{} has {} lines and {} has {}", names[0], lines,
                                                            names[1], targets.value().size()));
  }
  if (lines == 0) return Status(StatusCode::kInvalidArgument, names[0] + ": there is no line");
  return ParallelText{std::move(sources).value(), std::move(targets).value()};
}

EncodedPairs encode_pairs(const ParallelText& text, const SentencePieces& pieces, int64_t most) {
  EncodedPairs encoded;
  for (size_t i = 0; i < text.source.size(); ++i) {
    SentencePair pair{pieces.encode(text.source[i]), pieces.encode(text.target[i])};
    if (pair.source.empty() || pair.target.empty()) {
      ++encoded.empty;
    } else if (std::ssize(pair.source) > most || std::ssize(pair.target) > most) {
      ++encoded.too_long;
    } else {
      encoded.pairs.push_back(std::move(pair));
    }
  }
  return encoded;
}

}  // namespace attend
