#include "language/tokenizer.h"

#include <algorithm>
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

Tokenizer::Tokenizer(TokenTable table, std::vector<SpecialToken> specials)
    : table_(std::move(table)), specials_(std::move(specials)) {
  for (const SpecialToken& special : specials_) table_.set(special.id, special.text);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  while (!text.empty()) {
    // The next special token: the first that is spelled, and of those the longest.
    size_t at = text.size();
    const SpecialToken* next = nullptr;
    for (const SpecialToken& special : specials_) {
      const size_t found = special.text.empty() ? std::string_view::npos : text.find(special.text);
      if (found > at || found == std::string_view::npos) continue;
      if (found == at && next != nullptr && next->text.size() >= special.text.size()) continue;
      at = found;
      next = &special;
    }
    if (at > 0) encode_part(text.substr(0, at), ids);
    if (next == nullptr) break;
    ids.push_back(next->id);
    text.remove_prefix(at + next->text.size());
  }
  return ids;
}

std::string Tokenizer::added_text(int32_t id, bool first) const {
  if (id < 0 || id >= size() || is_special(id)) return {};
  return text_of(table_.tokens[static_cast<size_t>(id)], first);
}

bool Tokenizer::is_special(int32_t id) const {
  return std::ranges::any_of(specials_, [&](const SpecialToken& special) { return special.id == id; });
}

}  // namespace attend
