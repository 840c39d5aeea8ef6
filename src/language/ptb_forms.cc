#include "language/ptb_forms.h"

#include <algorithm>

#include "language/ptb_characters.h"

namespace attend::ptb {

Forms::Forms(std::string_view text)
    : text_(text),
      compound_run_([](char c) { return is_ascii_alnum(c) || c == '.' || c == ','; }),
      address_run_(is_of_address) {}

// Letters and digits that a letter begins, with full stops, ! and ? inside: people forget the space after
// them.
size_t Forms::plain_word_end(size_t i) const {
  if (!is_letter(at(i))) return i;
  i = skip(text_, i, is_alnum);
  while (is_one_of(at(i), ".!?") && is_letter(at(i + 1))) i = skip(text_, i + 1, is_alnum);
  return i;
}

// Letters and digits joined by hyphens, where each part may begin as French and Irish names do:
// jack-o'lantern.
size_t Forms::thing_end(size_t i) const {
  const auto part_end = [this](size_t p) {
    const bool elided =
        is_one_of(lower(at(p)), "dol") && is_quote(at(p + 1)) && is_letter(at(p + 2)) && is_alnum(at(p + 3));
    return skip(text_, elided ? p + 2 : p, is_alnum);
  };
  size_t end = part_end(i);
  if (end == i) return i;
  while (is_one_of(at(end), "-_") && is_alnum(at(end + 1))) end = part_end(end + 1);
  return end;
}

// and/or, skating/skiing/sledding; up to two hyphens in each part.
size_t Forms::slashed_end(size_t i) const {
  const auto part_end = [this](size_t p) {
    size_t end = skip(text_, p, is_ascii_alnum);
    if (end == p) return p;
    for (int hyphens = 0; hyphens < 2 && at(end) == '-' && is_ascii_letter(at(end + 1)); ++hyphens) {
      end = skip(text_, end + 1, is_ascii_letter);
    }
    return end;
  };
  const size_t first = part_end(i);
  size_t end = first;
  for (int slashes = 0; slashes < 2; ++slashes) {
    const size_t slash = at(end) == '\\' ? end + 1 : end;
    if (end == i || at(slash) != '/' || !is_ascii_alnum(at(slash + 1))) break;
    end = part_end(slash + 1);
  }
  return end == first ? i : end;
}

// AT&T, A+E: capitals alone.
size_t Forms::ampersand_end(size_t i) const {
  size_t end = skip(text_, i, is_upper);
  if (end == i) return i;
  while (is_one_of(at(end), "&+") && is_upper(at(end + 1))) end = skip(text_, end + 1, is_upper);
  return end;
}

// C++, C#, F#.
size_t Forms::programming_language_end(size_t i) const {
  if (begins_with(text_, i, "c++")) return i + 3;
  return begins_with(text_, i, "c#") || begins_with(text_, i, "f#") ? i + 2 : i;
}

Match Forms::word(size_t i) const {
  const size_t plain = plain_word_end(i), thing = thing_end(i);
  const size_t end = std::max({plain, thing, slashed_end(i), ampersand_end(i), programming_language_end(i)});
  for (const size_t stop : {plain, thing}) {  // "bat.," is taken for an abbreviation inside a sentence
    if (stop > i && stop == end && at(stop) == '.' && is_one_of(at(stop + 1), ",;:")) {
      return {stop + 2 - i, stop + 1 - i};
    }
  }
  return {end - i, end - i};
}

Match Forms::compound(size_t i) {
  if (!is_ascii_alnum(at(i))) return {};
  const size_t first = compound_run_(text_, i);
  size_t end = first;
  while (at(end) == '-') {
    size_t part = skip(text_, end + 1, is_ascii_alnum);
    const size_t acronym = acronym_end(end + 1);
    if (acronym > end + 3) part = std::max(part, acronym);  // two letters or more: ex-U.S., but not Wall-E.
    if (part == end + 1) break;
    end = part;
  }
  return end == first ? Match{} : Match{end - i, end - i};
}

Match Forms::number(size_t i) const {
  const size_t start = is_one_of(at(i), "+-") ? i + 1 : i;
  size_t end = skip(text_, start, is_digit);
  while (is_one_of(at(end), ".,:") && is_digit(at(end + 1))) end = skip(text_, end + 1, is_digit);
  return end == start ? Match{} : Match{end - i, end - i};
}

}  // namespace attend::ptb
