// Full stops that belong to a word.
#include <algorithm>
#include <array>

#include "language/ptb_characters.h"
#include "language/ptb_forms.h"

namespace attend::ptb {
namespace {

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
static_assert(std::is_sorted(kCapitalAbbreviations.begin(), kCapitalAbbreviations.end()));
static_assert(std::is_sorted(kNumberAbbreviations.begin(), kNumberAbbreviations.end()));
static_assert(std::is_sorted(kSentenceStarters.begin(), kSentenceStarters.end()));

template <size_t N>
bool is_listed(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

}  // namespace

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

}  // namespace attend::ptb
