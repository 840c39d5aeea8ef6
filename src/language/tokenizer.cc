#include "language/tokenizer.h"

#include <utility>

namespace attend {

void TokenTable::set(int32_t id, std::string token) {
  const size_t index = static_cast<size_t>(id);
  if (index >= tokens.size()) tokens.resize(index + 1);
  if (!tokens[index].empty()) ids.erase(tokens[index]);
  ids[token] = id;
  tokens[index] = std::move(token);
}

int32_t TokenTable::id(std::string_view token) const {
  const auto found = ids.find(std::string(token));
  return found == ids.end() ? -1 : found->second;
}

void Tokenizer::add(const std::vector<AddedToken>& tokens) {
  std::vector<AddedToken> as_written, normal;
  for (AddedToken token : tokens) {
    if (token.normalised) token.text = normalised(token.text);
    if (token.special) special_.insert(token.id);
    table_.set(token.id, token.text);
    (token.normalised ? normal : as_written).push_back(std::move(token));
  }
  as_written_ = AddedTokens(std::move(as_written));
  normalised_ = AddedTokens(std::move(normal));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  const auto take = [&](int32_t id) { ids.push_back(id); };
  const auto encode_words = [&](std::string_view part) { encode_part(part, ids); };
  as_written_.split(
      text, [&](std::string_view part) { normalised_.split(normalised(part), encode_words, take); }, take);
  return ids;
}

Tokenizer::Text Tokenizer::decode(std::span<const int32_t> ids) const {
  Text text;
  for (const int32_t id : ids) {
    if (id >= 0 && id < size() && !is_special(id))
      text.text += text_of(table_.tokens[static_cast<size_t>(id)], text.text.empty());
    text.ends.push_back(text.text.size());
  }
  finish(text);
  return text;
}

}  // namespace attend
