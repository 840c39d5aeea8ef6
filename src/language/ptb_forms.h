// The forms that a token can take, from which ptb_tokenizer.cc chooses.
#ifndef ATTEND_LANGUAGE_PTB_FORMS_H_
#define ATTEND_LANGUAGE_PTB_FORMS_H_

#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace attend::ptb {

/// What a form takes at a position. The form that reaches furthest wins, and it may have looked further than
/// it takes: "isn't" is reached whole by the form that takes "is".
struct Match {
  size_t reach = 0;  // characters seen, 0 when the form does not fit
  size_t taken = 0;  // characters of the token, 1 to reach
};

/// The match that reaches furthest, the first of several.
constexpr Match furthest(std::initializer_list<Match> matches) {
  Match best;
  for (const Match& match : matches) {
    if (match.reach > best.reach) best = match;
  }
  return best;
}

/// The ends of maximal runs of one class of characters. Remembers the last run, so that asking at every
/// position of a text costs time linear in it.
class RunEnd {
 public:
  explicit RunEnd(bool (*in_class)(char)) : in_class_(in_class) {}
  size_t operator()(std::string_view text, size_t at) {
    if (at >= end_) {
      end_ = at;
      while (end_ < text.size() && in_class_(text[end_])) ++end_;
    }
    return end_;
  }

 private:
  bool (*in_class_)(char);
  size_t end_ = 0;
};

/// Scans one text. Every function takes a position and returns what its form takes there.
class Forms {
 public:
  explicit Forms(std::string_view text);

  Match split_word(size_t at) const;    // cannot -> can | not
  Match contraction(size_t at) const;   // is | n't, dog | 's, y' | all
  Match apostrophe(size_t at) const;    // 's, n't, 'em, '90s, o'clock, ma'am
  Match abbreviation(size_t at) const;  // Dr., etc., D.C., A.
  Match word(size_t at) const;          // dog, mid-air, 4x4, river.A, and/or, AT&T
  Match number(size_t at) const;        // 1,000  -5  8:25
  Match address(size_t at);             // a@b.com, http://..., #tag, @name
  Match compound(size_t at);            // U.S.-based, 1.5-inch
  Match sign(size_t at) const;          // ... -- ?! :) <tag>, or one character

 private:
  /// A character of a mail address, full stops included.
  static bool is_of_address(char c);
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool starts_sentence(size_t i) const;
  size_t plain_word_end(size_t i) const;
  size_t thing_end(size_t i) const;
  size_t slashed_end(size_t i) const;
  size_t ampersand_end(size_t i) const;
  size_t programming_language_end(size_t i) const;
  size_t acronym_end(size_t i) const;
  Match before_clitic(size_t i) const;
  Match beheaded(size_t i) const;
  Match initial_apostrophe(size_t i) const;
  Match apostrophe_between_vowels(size_t i) const;
  size_t clitic_end(size_t i) const;
  size_t fixed_apostrophe_word_end(size_t i) const;
  size_t emoticon_end(size_t i) const;
  size_t tag_end(size_t i) const;

  std::string_view text_;
  RunEnd compound_run_, address_run_;
};

}  // namespace attend::ptb

#endif  // ATTEND_LANGUAGE_PTB_FORMS_H_
