#include "language/byte_level_bpe.h"

#include <array>

#include "checkpoint/safetensors_header.h"
#include "language/code_points.h"
#include "language/utf8.h"

namespace attend {
namespace {

bool is_printable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

/// The character of each byte: itself where it can be printed, else one from U+0100 on.
std::array<char32_t, 256> make_characters() {
  std::array<char32_t, 256> characters{};
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    characters[static_cast<size_t>(byte)] = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return characters;
}

const std::array<char32_t, 256>& characters_of_bytes() {
  static const std::array<char32_t, 256> characters = make_characters();
  return characters;
}

std::string spelled(unsigned char byte) {
  return to_utf8(std::u32string_view(&characters_of_bytes()[byte], 1));
}

uint64_t key_of(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

/// Walks along text a character at a time.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  size_t at() const { return at_; }
  void go_to(size_t at) { at_ = at; }

  char32_t peek() const { return done() ? 0 : to_code_points(character())[0]; }
  void step() { at_ += character().size(); }
  template <class Is>
  void skip(Is is) {
    while (!done() && is(peek())) step();
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

 private:
  std::string_view character() const {
    const size_t length = utf8_character_length(text_.substr(at_));
    return text_.substr(at_, length == 0 ? 1 : length);
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool is_sign(char32_t c) {
  return !is_space(c) && !is_letter(c) && !is_number(c);
}

bool take_ending(Scanner& scanner) {
  for (const char* ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (scanner.take(ending)) return true;
  }
  return false;
}

/// A run of letters, digits or signs with at most one space before it.
bool take_run(Scanner& scanner) {
  const size_t begin = scanner.at();
  if (scanner.peek() == U' ') scanner.step();
  if (!scanner.done()) {
    const char32_t c = scanner.peek();
    if (is_letter(c)) return scanner.skip(is_letter), true;
    if (is_number(c)) return scanner.skip(is_number), true;
    if (is_sign(c)) return scanner.skip(is_sign), true;
  }
  scanner.go_to(begin);
  return false;
}

/// Blanks, all but the last of them where a word follows that may want it.
void take_blanks(Scanner& scanner) {
  const size_t begin = scanner.at();
  size_t last = begin;
  while (!scanner.done() && is_space(scanner.peek())) {
    last = scanner.at();
    scanner.step();
  }
  if (!scanner.done() && last > begin) scanner.go_to(last);
}

}  // namespace

std::vector<std::string_view> split_for_bpe(std::string_view text) {
  std::vector<std::string_view> words;
  Scanner scanner(text);
  while (!scanner.done()) {
    const size_t begin = scanner.at();
    if (!take_ending(scanner) && !take_run(scanner)) take_blanks(scanner);
    words.push_back(text.substr(begin, scanner.at() - begin));
  }
  return words;
}

ByteLevelBpe::ByteLevelBpe(TokenTable table, const std::vector<AddedToken>& added, bool prefix_space)
    : Tokenizer(std::move(table)), prefix_space_(prefix_space) {
  add(added);
}

Result<ByteLevelBpe> ByteLevelBpe::create(TokenTable table, const std::vector<AddedToken>& added,
                                          const std::vector<std::pair<std::string, std::string>>& merges,
                                          bool prefix_space) {
  ByteLevelBpe bpe(std::move(table), added, prefix_space);
  int32_t rank = 0;
  for (const auto& [left, right] : merges) {
    const int32_t a = bpe.table().id(left), b = bpe.table().id(right), whole = bpe.table().id(left + right);
    if (a < 0 || b < 0 || whole < 0) {
      return Status(StatusCode::kCorrupt, "merge " + std::to_string(rank) + ", " + quote_name(left) +
                                              " and " + quote_name(right) + ", is not in the vocabulary");
    }
    bpe.merges_.try_emplace(key_of(a, b), Merge{rank++, whole});
  }
  return bpe;
}

void ByteLevelBpe::encode_part(std::string_view text, std::vector<int32_t>& ids) const {
  std::string spaced;
  if (prefix_space_ && !text.starts_with(' ')) spaced += ' ';
  spaced += text;
  for (const std::string_view word : split_for_bpe(spaced)) encode_word(word, ids);
}

void ByteLevelBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  std::vector<int32_t> parts;
  for (const char byte : word) {
    const int32_t id = table().id(spelled(static_cast<unsigned char>(byte)));
    if (id >= 0) parts.push_back(id);  // a byte that the vocabulary lacks is left out
  }
  while (parts.size() > 1) {
    const Merge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = merges_.find(key_of(parts[i], parts[i + 1]));
      if (found == merges_.end() || (best != nullptr && found->second.rank >= best->rank)) continue;
      best = &found->second;
      at = i;
    }
    if (best == nullptr) break;
    parts[at] = best->whole;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  ids.insert(ids.end(), parts.begin(), parts.end());
}

std::string ByteLevelBpe::text_of(const std::string& token, bool /*first*/) const {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> of;
    for (size_t byte = 0; byte < 256; ++byte) of[characters_of_bytes()[byte]] = static_cast<char>(byte);
    return of;
  }();
  std::string text;
  for (const char32_t c : to_code_points(token)) {
    const auto byte = bytes.find(c);
    if (byte == bytes.end()) return token;  // added to the vocabulary, as it is
    text += byte->second;
  }
  return text;
}

}  // namespace attend
