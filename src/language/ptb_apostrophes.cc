// Words with an apostrophe: where they are cut, and where they are not.
#include <algorithm>
#include <array>

#include "language/ptb_characters.h"
#include "language/ptb_forms.h"

namespace attend::ptb {

Match Forms::split_word(size_t i) const {
  struct Split {
    std::string_view whole;
    size_t first;
  };
  constexpr std::array<Split, 6> kSplits = {
      {{"cannot", 3}, {"gonna", 3}, {"gotta", 3}, {"lemme", 3}, {"gimme", 3}, {"wanna", 3}}};
  for (const Split& split : kSplits) {
    if (begins_with(text_, i, split.whole)) return {split.whole.size(), split.first};
  }
  return {};
}

// The end of 's 'm 'd 're 've 'll.
size_t Forms::clitic_end(size_t i) const {
  if (at(i) != '\'') return i;
  if (is_one_of(lower(at(i + 1)), "msd")) return i + 2;
  for (const std::string_view pair : {"re", "ve", "ll"}) {
    if (begins_with(text_, i + 1, pair)) return i + 3;
  }
  return i;
}

// dog|'s: the longest word with a clitic after it.
Match Forms::before_clitic(size_t i) const {
  Match best;
  for (const size_t end : {plain_word_end(i), thing_end(i), slashed_end(i), ampersand_end(i)}) {
    const size_t clitic = end == i ? end : clitic_end(end);
    if (clitic > end && clitic - i > best.reach) best = {clitic - i, end - i};
  }
  return best;
}

Match Forms::contraction(size_t i) const {
  // is|n't: the n is the last of the letters, and the one before it is another.
  const size_t letters = skip(text_, i, is_ascii_letter);
  if (letters >= i + 2 && lower(at(letters - 1)) == 'n' && lower(at(letters - 2)) != 'n' &&
      begins_with(text_, letters, "'t")) {
    return {letters + 2 - i, letters - 1 - i};
  }
  for (const std::string_view rest : {"'tis", "'twas"}) {
    if (begins_with(text_, i, rest)) return {rest.size(), 2};
  }
  if (begins_with(text_, i, "more'n") && !is_alnum(at(i + 6))) return {6, 4};
  const bool you = lower(at(i)) == 'y' && at(i + 1) == '\'' && is_letter(at(i + 2));  // y'|all
  return furthest({before_clitic(i), you ? Match{3, 2} : Match{}});
}

// Words with an apostrophe that are one word by custom.
size_t Forms::fixed_apostrophe_word_end(size_t i) const {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"n't", "dunkin'", "somethin'", "ol'", "'em", "'til", "'till", "'cause", "c'mon", "e'er", "s'mores",
       "ev'ry", "li'l", "nat'l", "o'o", "cont'd.", "nor'easter", "'n'"});
  size_t end = i;
  for (const std::string_view word : kWords) {
    if (begins_with(text_, i, word)) end = std::max(end, i + word.size());
  }
  return end;
}

// What is left when the front of a word or a year is cut off: rock 'n roll, '57, '90s.
Match Forms::beheaded(size_t i) const {
  if (at(i) != '\'') return {};
  const auto space_or_end = [this](size_t p) { return p >= text_.size() || is_space(text_[p]); };
  if (lower(at(i + 1)) == 'n' && space_or_end(i + 2)) return {3, 2};
  if (!is_digit(at(i + 1)) || !is_digit(at(i + 2))) return {};
  if (space_or_end(i + 3)) return {4, 3};
  const bool decade = at(i + 1) >= '2' && at(i + 2) == '0' && lower(at(i + 3)) == 's';
  return decade ? Match{4, 4} : Match{};
}

// One letter, an apostrophe, a word: K'nex, D'Artagnan, n'est.
Match Forms::initial_apostrophe(size_t i) const {
  const bool initial = (is_upper(at(i)) && at(i) != 'I') || at(i) == 'n';
  if (!initial || !is_quote(at(i + 1)) || !is_letter(at(i + 2)) || !is_letter(at(i + 3))) return {};
  const size_t end = skip(text_, i + 2, is_letter);
  return {end - i, end - i};
}

// ma'am, graffiti'ed, Hawai'ian: a vowel or y before, a vowel or capital after.
Match Forms::apostrophe_between_vowels(size_t i) const {
  const size_t letters = skip(text_, i, is_letter);
  if (letters < i + 2 || !is_one_of(lower(at(letters - 1)), "aeiouy") || !is_quote(at(letters))) return {};
  const char next = at(letters + 1);
  if (!is_one_of(next, "aeiou") && !is_upper(next)) return {};
  const size_t end = skip(text_, letters + 1, is_letter);
  return {end - i, end - i};
}

Match Forms::apostrophe(size_t i) const {
  const size_t clitic = clitic_end(i);
  const size_t clitic_length = is_letter(at(clitic)) ? 0 : clitic - i;  // not in 'slide
  const size_t fixed_length = fixed_apostrophe_word_end(i) - i;
  const size_t elided_length = is_one_of(lower(at(i)), "dlj") && at(i + 1) == '\'' ? 2 : 0;  // l'
  return furthest({Match{clitic_length, clitic_length}, Match{fixed_length, fixed_length}, beheaded(i),
                   Match{elided_length, elided_length}, initial_apostrophe(i), apostrophe_between_vowels(i)});
}

}  // namespace attend::ptb
