#include "language/ptb_forms.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

namespace attend::ptb {
namespace {

bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_ascii_alnum(char c) {
  return is_ascii_letter(c) || is_digit(c);
}
bool is_quote(char c) {
  return c == '\'' || c == '`';
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_address(char c) {
  return !is_space(c) && std::string_view("\"<>|(){}@").find(c) == std::string_view::npos;
}
bool is_one_of(char c, std::string_view set) {
  return c != '\0' && set.find(c) != std::string_view::npos;
}

bool begins_with(std::string_view text, size_t at, std::string_view lower_case) {
  if (at > text.size() || text.size() - at < lower_case.size()) return false;
  for (size_t i = 0; i < lower_case.size(); ++i) {
    if (lower(text[at + i]) != lower_case[i]) return false;
  }
  return true;
}

template <class InClass>
size_t skip(std::string_view text, size_t at, InClass in_class) {
  while (at < text.size() && in_class(text[at])) ++at;
  return at;
}

std::string lower_case(std::string_view word) {
  std::string copy(word);
  std::transform(copy.begin(), copy.end(), copy.begin(), lower);
  return copy;
}

template <size_t N>
bool is_listed(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

// Words whose full stop is a part of them, in any case.
constexpr auto kAbbreviations = std::to_array<std::string_view>({
    "adj",   "adm",  "adv",   "al",      "ala",  "alex",  "apr",  "ariz", "assn", "assoc", "asst", "atty",
    "attys", "aug",  "ave",   "bancorp", "bhd",  "bldg",  "blvd", "brig", "bros", "calif", "capt", "cf",
    "cie",   "cmdr", "co",    "col",     "colo", "comdr", "conn", "corp", "cos",  "cpl",   "ct",   "dak",
    "dec",   "dept", "det",   "dr",      "drs",  "elec",  "ens",  "esq",  "est",  "etc",   "ext",  "feb",
    "fla",   "fri",  "ft",    "ga",      "gen",  "gov",   "govs", "hon",  "inc",  "ind",   "insp", "intl",
    "invt",  "jan",  "jos",   "jr",      "jul",  "jun",   "kan",  "kans", "ky",   "lieut", "lt",   "ltd",
    "maj",   "mar",  "md",    "messrs",  "mfg",  "mich",  "minn", "mlle", "mme",  "mo",    "mon",  "mont",
    "mr",    "mrs",  "ms",    "msgr",    "mt",   "mtg",   "natl", "neb",  "nev",  "nov",   "oct",  "okla",
    "penn",  "pfc",  "ph",    "ph.d",    "plc",  "ppte",  "ppty", "pres", "prof", "profs", "pte",  "ptes",
    "pty",   "ptys", "pvt",   "rd",      "rep",  "reps",  "rev",  "rt",   "sen",  "sens",  "sep",  "sept",
    "seq",   "sfc",  "sgt",   "spc",     "sq",   "sr",    "st",   "ste",  "supt", "supts", "sys",  "tel",
    "tenn",  "thu",  "thurs", "treas",   "tue",  "tues",  "univ", "va",   "vs",   "vt",    "wed",  "wis",
    "wisc",  "wm",   "wyo",
});
// Those that are words as well when they are not capitalised.
constexpr auto kCapitalAbbreviations = std::to_array<std::string_view>(
    {"ark", "az", "del", "ill", "la", "mass", "miss", "ore", "pa", "tex", "wash"});
// Those that hold before a number alone: no. 5.
constexpr auto kNumberAbbreviations =
    std::to_array<std::string_view>({"ca", "fig", "figs", "no", "nos", "op", "pp", "prop"});

// After one of these, capitalised, the full stop of "size L. The dog" ends a sentence.
constexpr auto kSentenceStarters = std::to_array<std::string_view>(
    {"a",    "about", "according", "additionally", "after", "an", "as",   "at",   "but",   "earlier", "he",
     "her",  "here",  "however",   "if",           "in",    "it", "last", "many", "more",  "now",     "once",
     "one",  "other", "our",       "she",          "since", "so", "some", "such", "that",  "the",     "their",
     "then", "there", "these",     "they",         "this",  "we", "what", "when", "while", "yet",     "you"});

static_assert(std::is_sorted(kAbbreviations.begin(), kAbbreviations.end()));
static_assert(std::is_sorted(kSentenceStarters.begin(), kSentenceStarters.end()));

constexpr std::string_view kInnerPunctuation = ",;:";

}  // namespace

bool is_letter(char c) {
  return is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

Forms::Forms(std::string_view text)
    : text_(text),
      compound_run_([](char c) { return is_ascii_alnum(c) || c == '.' || c == ','; }),
      address_run_([](char c) { return is_address(c); }) {}

// ---- words

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
    if (stop > i && stop == end && at(stop) == '.' && is_one_of(at(stop + 1), kInnerPunctuation)) {
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

// ---- full stops that belong to a word

// D.C., p.m., A.: the end, past the last full stop.
size_t Forms::acronym_end(size_t i) const {
  size_t end = i;
  while (is_ascii_letter(at(end)) && at(end + 1) == '.') end += 2;
  return end;
}

bool Forms::starts_sentence(size_t i) const {
  if (i < text_.size() && !is_space(text_[i])) return false;
  i = skip(text_, i, is_space);
  const size_t end = skip(text_, i, is_ascii_letter);
  if (end == text_.size() && end == i) return true;  // captions that follow begin with a capital as a rule
  constexpr size_t kLongest = 12;
  if (!is_upper(at(i)) || end - i > kLongest) return false;
  if (at(end) == '.') return begins_with(text_, i, "mr.") || begins_with(text_, i, "ms.");
  return (end == text_.size() || is_space(at(end))) &&
         is_listed(kSentenceStarters, lower_case(text_.substr(i, end - i)));
}

Match Forms::abbreviation(size_t i) const {
  if (!is_ascii_letter(at(i))) return {};
  if (const size_t end = acronym_end(i); end > i) {
    const bool one_letter = end == i + 2;
    if (one_letter && starts_sentence(end)) return {3, 1};
    return {end - i, end - i};
  }
  const size_t end = plain_word_end(i);
  constexpr size_t kLongest = 7;
  if (at(end) != '.' || end - i > kLongest) return {};
  const std::string word = lower_case(text_.substr(i, end - i));
  const size_t length = end + 1 - i;
  if (is_listed(kAbbreviations, word)) return {length, length};
  if (is_upper(at(i)) && is_listed(kCapitalAbbreviations, word)) return {length, length};
  const size_t next = is_space(at(end + 1)) ? end + 2 : end + 1;
  if (is_digit(at(next)) && is_listed(kNumberAbbreviations, word)) return {next + 1 - i, length};
  return {};
}

// ---- apostrophes

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

Match Forms::contraction(size_t i) const {
  const size_t letters = skip(text_, i, is_ascii_letter);
  // is|n't: the n is the last of the letters, and the one before it is another.
  if (letters >= i + 2 && lower(at(letters - 1)) == 'n' && lower(at(letters - 2)) != 'n' &&
      begins_with(text_, letters, "'t")) {
    return {letters + 2 - i, letters - 1 - i};
  }
  for (const std::string_view rest : {"'tis", "'twas"}) {
    if (begins_with(text_, i, rest)) return {rest.size(), 2};
  }
  if (begins_with(text_, i, "more'n") && !is_alnum(at(i + 6))) return {6, 4};
  size_t reach = 0, taken = 0;
  for (const size_t end : {plain_word_end(i), thing_end(i), slashed_end(i), ampersand_end(i)}) {
    if (end == i) continue;
    const size_t clitic = clitic_end(end);
    if (clitic > end && clitic - i > reach) {
      reach = clitic - i;
      taken = end - i;
    }
  }
  if (reach < 3 && lower(at(i)) == 'y' && at(i + 1) == '\'' && is_letter(at(i + 2))) return {3, 2};  // y'all
  return {reach, taken};
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

Match Forms::apostrophe(size_t i) const {
  size_t end = clitic_end(i);
  if (is_letter(at(end))) end = i;  // 'slide
  end = std::max(end, fixed_apostrophe_word_end(i));
  size_t reach = end;
  const auto offer = [&](size_t candidate, size_t seen) {
    if (seen > reach) {
      reach = seen;
      end = candidate;
    }
  };
  const bool then_space_2 = i + 2 >= text_.size() || is_space(at(i + 2));
  if (at(i) == '\'' && lower(at(i + 1)) == 'n' && then_space_2) offer(i + 2, i + 3);  // rock 'n roll
  if (at(i) == '\'' && is_digit(at(i + 1)) && is_digit(at(i + 2))) {                  // '57 and '90s
    if (i + 3 >= text_.size() || is_space(at(i + 3))) offer(i + 3, i + 4);
    if (at(i + 1) >= '2' && at(i + 2) == '0' && lower(at(i + 3)) == 's') offer(i + 4, i + 4);
  }
  if (is_one_of(lower(at(i)), "dlj") && at(i + 1) == '\'') offer(i + 2, i + 2);  // l'
  const bool initial = (is_upper(at(i)) && at(i) != 'I') || at(i) == 'n';        // K'nex
  if (initial && is_quote(at(i + 1)) && is_letter(at(i + 2)) && is_letter(at(i + 3))) {
    const size_t stop = skip(text_, i + 2, is_letter);
    offer(stop, stop);
  }
  // ma'am, graffiti'ed, Hawai'ian: a vowel and y before, a vowel or capital after.
  const size_t letters = skip(text_, i, is_letter);
  if (letters >= i + 2 && is_one_of(lower(at(letters - 1)), "aeiouy") && is_quote(at(letters)) &&
      (is_one_of(at(letters + 1), "aeiou") || is_upper(at(letters + 1)))) {
    const size_t stop = skip(text_, letters + 1, is_letter);
    offer(stop, stop);
  }
  return {reach - i, end - i};
}

// ---- addresses, signs

Match Forms::address(size_t i) {
  if (is_one_of(at(i), "#@") && is_ascii_letter(at(i + 1))) {
    const bool name = at(i) == '@';
    const size_t end = skip(
        text_, i + 1, [name](char c) { return is_ascii_letter(c) || (name && (is_digit(c) || c == '_')); });
    return {end - i, end - i};
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!begins_with(text_, i, scheme)) continue;
    size_t end = skip(text_, i, [](char c) { return !is_space(c) && !is_one_of(c, "<>\"|(){}"); });
    while (end > i && is_one_of(text_[end - 1], ".,;:!?'")) --end;
    return {end - i, end - i};
  }
  if (!is_ascii_alnum(at(i))) return {};
  const size_t local = address_run_(text_, i);
  if (at(local) != '@') return {};
  const auto in_domain = [](char c) { return is_address(c) && c != '.'; };
  size_t end = skip(text_, local + 1, in_domain);
  if (end == local + 1) return {};
  while (at(end) == '.' && end + 1 < text_.size() && in_domain(text_[end + 1]))
    end = skip(text_, end + 1, in_domain);
  return {end - i, end - i};
}

size_t Forms::emoticon_end(size_t i) const {
  size_t end = is_one_of(at(i), "<>") ? i + 1 : i;
  if (!is_one_of(at(end), ":;=")) return i;
  ++end;
  if (is_one_of(at(end), "-o*'")) ++end;
  return is_one_of(at(end), "()DPdpO\\{@|[]") && !is_alnum(at(end + 1)) ? end + 1 : i;
}

size_t Forms::tag_end(size_t i) const {
  if (at(i) != '<') return i;
  const size_t name = at(i + 1) == '/' ? i + 2 : i + 1;
  if (!is_ascii_letter(at(name))) return i;
  size_t end = skip(text_, name, [](char c) { return is_ascii_alnum(c) || is_one_of(c, "_:.-"); });
  end = skip(text_, end, [](char c) { return c == ' '; });
  if (at(end) == '/') ++end;
  return at(end) == '>' ? end + 1 : i;
}

Match Forms::sign(size_t i) const {
  if (const size_t end = std::max(tag_end(i), emoticon_end(i)); end > i) return {end - i, end - i};
  const char first = at(i);
  const auto run = [&](auto in_class) { return skip(text_, i, in_class) - i; };
  size_t length = 1;
  if (is_one_of(first, "?!")) length = run([](char c) { return c == '?' || c == '!'; });
  if (is_one_of(first, "-_*@")) length = run([first](char c) { return c == first; });
  if (first == '.') {
    const size_t dots = run([](char c) { return c == '.'; });
    length = dots >= 3 ? dots : 1;
  }
  if ((first == '\'' || first == '`') && at(i + 1) == first) length = 2;
  if (is_upper(first)) {  // US$
    const size_t end = skip(text_, i, is_upper);
    if (at(end) == '$') length = end + 1 - i;
  }
  return {length, length};
}

}  // namespace attend::ptb
