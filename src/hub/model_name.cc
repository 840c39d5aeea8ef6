#include "hub/model_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "hub/known_models.h"

namespace attend {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// An owner or a repository, by the hub's rules.
bool is_word(std::string_view word) {
  const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  const auto at_an_end = [](char c) { return c != '-' && c != '.'; };
  return !word.empty() && std::all_of(word.begin(), word.end(), allowed) && at_an_end(word.front()) &&
         at_an_end(word.back()) && word.find("--") == std::string_view::npos &&
         word.find("..") == std::string_view::npos;
}

bool is_repository(std::string_view text) {
  constexpr size_t kLongest = 96;  // the hub's own limit
  const size_t slash = text.find('/');
  return text.size() <= kLongest && slash != std::string_view::npos && is_word(text.substr(0, slash)) &&
         is_word(text.substr(slash + 1));
}

/// A name that git allows, as far as it can hurt: it becomes a path below refs/ and a part of an address.
bool is_revision(std::string_view text) {
  constexpr size_t kLongest = 200;
  if (text.empty() || text.size() > kLongest || text.front() == '/' || text.back() == '/') return false;
  if (text.find("..") != std::string_view::npos || text.find("//") != std::string_view::npos) return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("\\~^:?*[").find(c) != std::string_view::npos;
  });
}

Status unknown_name(const std::string& name) {
  std::string near;
  for (const std::string_view known : similar_names(name))
    near += fmt::format("{}{}", near.empty() ? "" : " or ", known);
  if (!near.empty()) near = fmt::format("; did you mean {}?", near);
  return {StatusCode::kNotFound,
          fmt::format("{}: no such model{} (attend models lists those with a short name, any other is "
                      "OWNER/REPO)",
                      name, near)};
}

}  // namespace

bool is_commit(std::string_view revision) {
  constexpr size_t kDigits = 40;
  return revision.size() == kDigits && std::all_of(revision.begin(), revision.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<ModelName> parse_model_name(const std::string& text) {
  const size_t at = text.find('@');
  ModelName name;
  name.asked = text;
  name.repository = text.substr(0, at);
  if (at != std::string::npos) {
    name.revision = text.substr(at + 1);
    if (!is_revision(name.revision))
      return Status{StatusCode::kInvalidArgument,
                    fmt::format("{}: '{}' is no revision (a branch, a tag, refs/pr/N or a commit)", text,
                                name.revision)};
  }
  if (const KnownModel* known = find_known_model(name.repository)) {
    name.repository = known->repository;
  } else if (name.repository.find('/') == std::string::npos) {
    return unknown_name(name.repository);
  } else if (!is_repository(name.repository)) {
    return Status{StatusCode::kInvalidArgument,
                  fmt::format("{}: is not OWNER/REPO, two words of letters, digits, '-', '_' and '.'",
                              name.repository)};
  }
  return name;
}

}  // namespace attend
