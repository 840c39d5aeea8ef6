#include "language/sentence_pieces.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

namespace attend {
namespace {

constexpr std::string_view kSpace = "\xe2\x96\x81";  // U+2581, how pieces write a space
constexpr size_t kMostBytes = size_t{1} << 26;
constexpr size_t kUsualSentence = 4192;  // bytes; SentencePiece learns nothing from longer ones unless told

/// The fields of a protocol buffer, one after the other.
class ProtocolFields {
 public:
  explicit ProtocolFields(std::string_view bytes) : left_(bytes) {}

  struct Field {
    uint64_t number;
    std::string_view bytes;  // of a string or message; empty for numbers
  };
  /// Nothing at the end, or where the bytes are no field: see broken().
  std::optional<Field> next() {
    if (left_.empty() || broken_) return {};
    const uint64_t key = varint();
    uint64_t size = 0;
    switch (key & 7) {
      case 0:
        varint();
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      default:
        broken_ = true;
    }
    broken_ = broken_ || size > left_.size();
    if (broken_) return {};
    const Field field{key >> 3, (key & 7) == 2 ? left_.substr(0, size) : std::string_view()};
    left_.remove_prefix(size);
    return field;
  }
  bool broken() const { return broken_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    broken_ = true;
    return 0;
  }

  std::string_view left_;
  bool broken_ = false;
};

/// Tables by which text is rewritten are compiled: they are walked without a check of their bounds.
Status check_tables(std::string_view model, const std::string& name) {
  constexpr uint64_t kNormaliser = 3, kDenormaliser = 5, kTable = 2;  // of sentencepiece_model.proto
  ProtocolFields fields(model);
  while (const auto field = fields.next()) {
    if (field->number != kNormaliser && field->number != kDenormaliser) continue;
    ProtocolFields rules(field->bytes);
    while (const auto rule = rules.next()) {
      if (rule->number != kTable || rule->bytes.empty()) continue;
      return {StatusCode::kUnsupported,
              name + ": the SentencePiece model rewrites text; only normalisation \"identity\" is read"};
    }
    if (rules.broken()) return {StatusCode::kCorrupt, name + ": not a SentencePiece model"};
  }
  return fields.broken() ? Status(StatusCode::kCorrupt, name + ": not a SentencePiece model") : Status();
}

class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(std::span<const std::string> sentences) : left_(sentences) {}
  bool done() const override { return left_.empty(); }
  void Next() override { left_ = left_.subspan(1); }
  const std::string& value() const override { return left_.front(); }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::span<const std::string> left_;
};

/// How long a sentence may be so that none is left out. It is written into the model, whose bytes are those
/// of every other where no sentence is unusual.
size_t longest_of(std::span<const std::string> sentences) {
  size_t longest = kUsualSentence;
  for (const std::string& sentence : sentences) longest = std::max(longest, sentence.size());
  return std::min(longest, size_t{std::numeric_limits<int32_t>::max()});
}

/// The bound on the number of pieces that SentencePiece's refusal ends with, as the end of a sentence of
/// ours: "... is smaller than required_chars. 20 vs 22. ..." or "... set it to a value <= 35."
std::string bound_in(std::string_view refusal) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kBounds = {
      {{" vs ", ": at least"}, {"a value <= ", ": at most"}}};
  for (const auto& [before, words] : kBounds) {
    const size_t at = refusal.find(before);
    int64_t bound = 0;
    if (at == std::string_view::npos) continue;
    const std::string_view digits = refusal.substr(at + before.size());
    if (std::from_chars(digits.data(), digits.data() + digits.size(), bound).ec == std::errc())
      return fmt::format("{} {} are possible", words, bound);
  }
  return {};
}

}  // namespace

SentencePieces::SentencePieces(std::string serialised,
                               std::unique_ptr<sentencepiece::SentencePieceProcessor> processor)
    : serialised_(std::move(serialised)),
      processor_(std::move(processor)),
      start_(processor_->bos_id()),
      end_(processor_->eos_id()),
      unknown_(processor_->unk_id()) {}
SentencePieces::SentencePieces(SentencePieces&&) noexcept = default;
SentencePieces& SentencePieces::operator=(SentencePieces&&) noexcept = default;
SentencePieces::~SentencePieces() = default;

Result<SentencePieces> SentencePieces::train(std::span<const std::string> sentences, int64_t count) {
  if (!kCount.hold(count)) {
    return Status(StatusCode::kInvalidArgument,
                  fmt::format("{} pieces, not from {} to {}", count, kCount.least, kCount.most));
  }
  // The number of threads is part of the result: each sums up its share of the sentences.
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(count)},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "identity"},
      {"num_threads", "2"},
      {"minloglevel", "2"},
      {"max_sentence_length", std::to_string(longest_of(sentences))}};
  Sentences iterator(sentences);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  if (!status.ok()) {
    return Status(StatusCode::kInvalidArgument,
                  fmt::format("cannot cut {} sentences into {} pieces{}", sentences.size(), count,
                              bound_in(status.message())));
  }
  return parse(std::as_bytes(std::span(model.data(), model.size())), "SentencePiece");
}

Result<SentencePieces> SentencePieces::parse(std::span<const std::byte> bytes, const std::string& name) {
  const auto corrupt = [&](const std::string& what) {
    return Status(StatusCode::kCorrupt, name + ": " + what);
  };
  if (bytes.size() > kMostBytes)
    return corrupt(fmt::format("{} bytes of pieces, more than {}", bytes.size(), kMostBytes));
  std::string serialised(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ATTEND_RETURN_IF_ERROR(check_tables(serialised, name));
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (!processor->LoadFromSerializedProto(serialised).ok()) return corrupt("not a SentencePiece model");
  SentencePieces pieces(std::move(serialised), std::move(processor));
  const int32_t size = pieces.size();
  for (const int32_t special : {pieces.start_, pieces.end_, pieces.unknown_}) {
    if (special < 0 || special >= size) return corrupt("the pieces lack one of <s>, </s> and <unk>");
  }
  return pieces;
}

int32_t SentencePieces::size() const {
  return processor_->GetPieceSize();
}

std::vector<int32_t> SentencePieces::encode(std::string_view sentence) const {
  std::vector<int> ids;
  [[maybe_unused]] const auto status = processor_->Encode(sentence, &ids);
  assert(status.ok());
  return ids;
}

CutSentence SentencePieces::cut(std::string_view sentence) const {
  CutSentence cut;
  const auto encoded = processor_->EncodeAsImmutableProto(sentence);  // which its pieces point into
  for (const auto& piece : encoded.pieces()) {
    cut.ids.push_back(static_cast<int32_t>(piece.id()));
    cut.texts.push_back(piece.surface());
  }
  return cut;
}

std::string SentencePieces::decode(std::span<const int32_t> ids) const {
  std::string sentence;
  [[maybe_unused]] const auto status =
      processor_->Decode(std::vector<int>(ids.begin(), ids.end()), &sentence);
  assert(status.ok());
  return sentence;
}

std::string SentencePieces::text(int32_t id) const {
  std::string_view left = processor_->IdToPiece(id);
  std::string text;
  while (!left.empty()) {
    const bool space = left.starts_with(kSpace);
    text += space ? ' ' : left.front();
    left.remove_prefix(space ? kSpace.size() : 1);
  }
  return text;
}

}  // namespace attend
