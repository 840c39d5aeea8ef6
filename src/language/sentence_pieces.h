// Sentences as numbers of pieces, and back: SentencePiece (Kudo and Richardson 2018). A piece is a word, a
// part of one or a single character; a sentence is cut so that its pieces are likely, and the pieces joined
// are the sentence.
#ifndef ATTEND_LANGUAGE_SENTENCE_PIECES_H_
#define ATTEND_LANGUAGE_SENTENCE_PIECES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"
#include "base/bounds.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace attend {

/// The pieces of a sentence, and what each stands for there.
struct CutSentence {
  std::vector<int32_t> ids;
  std::vector<std::string> texts;  // joined, the sentence; a piece that begins a word begins with its space
};

class SentencePieces {
 public:
  static constexpr Bounds<int64_t> kCount{8, 1 << 20};

  /// Learns a unigram model of `count` pieces, the three special ones included, that all characters of
  /// `sentences` can be written with. The same sentences in the same order give the same bytes. Errors:
  /// kInvalidArgument for a count that the sentences are too few, or their characters too many, for.
  static Result<SentencePieces> train(std::span<const std::string> sentences, int64_t count);

  /// Reads a serialised SentencePiece model; `name` stands in messages. Errors: kCorrupt for bytes that are
  /// none, or lack one of the pieces for start, end and unknown; kUnsupported for a model that rewrites its
  /// text by tables of its own (any normalisation but "identity"), which hostile bytes could lead astray.
  static Result<SentencePieces> parse(std::span<const std::byte> bytes, const std::string& name);

  SentencePieces(SentencePieces&&) noexcept;
  SentencePieces& operator=(SentencePieces&&) noexcept;
  ~SentencePieces();

  /// The model as parse() reads it.
  const std::string& serialised() const { return serialised_; }

  int32_t size() const;
  int32_t start() const { return start_; }
  int32_t end() const { return end_; }
  int32_t unknown() const { return unknown_; }

  /// Pieces of a sentence, without start and end. Runs of spaces count as one; bytes that are not UTF-8 as
  /// unknown characters.
  std::vector<int32_t> encode(std::string_view sentence) const;
  /// The same, with what the sentence says itself where a piece is the unknown one.
  CutSentence cut(std::string_view sentence) const;
  /// `ids` must be in [0, size()); start and end add nothing.
  std::string decode(std::span<const int32_t> ids) const;

  /// The text of a piece, with a leading space where it begins a word.
  std::string text(int32_t id) const;

 private:
  SentencePieces(std::string serialised, std::unique_ptr<sentencepiece::SentencePieceProcessor> processor);

  std::string serialised_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  int32_t start_ = 0, end_ = 0, unknown_ = 0;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_SENTENCE_PIECES_H_
