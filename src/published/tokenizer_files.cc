#include "published/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/safetensors_header.h"
#include "language/byte_level_bpe.h"
#include "language/utf8.h"
#include "language/wordpiece.h"
#include "published/config_file.h"

namespace attend {
namespace {

using Json = nlohmann::json;
using Merges = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kMostBytes = size_t{64} << 20, kMostAdded = size_t{1} << 14;

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Status corrupt(const std::string& file, const std::string& what) {
  return {StatusCode::kCorrupt, file + ": " + what};
}

/// What a tokenizer is made of, as it is gathered from the files.
struct Parts {
  std::string folder;
  int64_t vocabulary;
  TokenTable table;
  std::vector<AddedToken> added;
  std::unordered_map<std::string, size_t> places;  // of their texts in `added`
  Merges merges;
  WordPieceOptions options;
  bool prefix_space = false;

  std::string path(const char* file) const { return folder + "/" + file; }

  Status add(const std::string& token, const Json& id, const std::string& file) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() > 1e9) {
      return corrupt(file, "token " + quote_name(token) + " has no number that a token can have");
    }
    const int64_t number = id.get<int64_t>();
    if (number >= vocabulary) {
      return corrupt(file, fmt::format("token {} has the number {}, and config.json a vocab_size of {}",
                                       quote_name(token), number, vocabulary));
    }
    table.set(static_cast<int32_t>(number), token);
    return {};
  }

  Status add_vocabulary(const Json& tokens, const std::string& file) {
    if (!tokens.is_object() || tokens.empty()) return corrupt(file, "has no vocabulary");
    for (const auto& [token, id] : tokens.items()) ATTEND_RETURN_IF_ERROR(add(token, id, file));
    return {};
  }

  /// A token of the table that text spells; what is said of it first counts.
  void spell(AddedToken token) {
    if (places.try_emplace(token.text, added.size()).second) added.push_back(std::move(token));
  }

  /// A token that has a name, such as "eos_token", which makes it special, whatever its own flags are.
  void name(AddedToken token) {
    token.special = true;
    token.id = table.id(token.text);
    if (const auto place = places.find(token.text); place != places.end())
      added[place->second].special = true;
    if (token.id >= 0 && !token.text.empty()) spell(std::move(token));
  }
};

/// Calls line(text, number) for each line, without its line feed.
template <class Line>
void for_each_line(std::string_view text, const Line& line) {
  for (int64_t number = 0; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    line(one, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Status read_merge(const Json& merge, const std::string& file, Merges& merges) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    return {};
  }
  const std::string text = merge.is_string() ? merge.get<std::string>() : "";
  const size_t space = text.find(' ');
  if (space == std::string::npos)
    return corrupt(file, fmt::format("merge {} is not two tokens", merges.size()));
  merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  return {};
}

// ---- tokenizer.json

/// A token is its text, or an object that has it as "content", and flags; `special` where it does not say.
AddedToken read_token(const Json& token, bool special) {
  AddedToken read;
  read.special = special;
  read.normalised = !special;
  if (token.is_string()) read.text = token.get<std::string>();
  if (!token.is_object()) return read;
  const auto flag = [&](const char* key, bool otherwise) {
    const auto field = token.find(key);
    return field != token.end() && field->is_boolean() ? field->get<bool>() : otherwise;
  };
  const auto content = token.find("content");
  if (content != token.end() && content->is_string()) read.text = content->get<std::string>();
  read.special = flag("special", special);
  read.normalised = flag("normalized", !read.special);
  read.strips_left = flag("lstrip", false);
  read.strips_right = flag("rstrip", false);
  read.single_word = flag("single_word", false);
  return read;
}

Status add_token(AddedToken token, const Json& id, const std::string& file, Parts& parts) {
  if (token.text.empty()) return corrupt(file, "has an added token without a text");
  ATTEND_RETURN_IF_ERROR(parts.add(token.text, id, file));
  token.id = id.get<int32_t>();
  parts.spell(std::move(token));
  if (parts.added.size() > kMostAdded)
    return corrupt(file, fmt::format("adds more than {} tokens", kMostAdded));
  return {};
}

Status read_tokenizer_json(TokenizerKind kind, Parts& parts, Json& added) {
  const std::string file = parts.path("tokenizer.json");
  const Result<Json> parsed = read_json_file(file, kMostBytes);
  if (!parsed.ok()) return parsed.status();
  const Json& tokenizer = parsed.value();
  const auto model = tokenizer.find("model");
  if (model == tokenizer.end() || !model->is_object()) return corrupt(file, "has no model");
  const char* const due = kind == TokenizerKind::kWordPiece ? "WordPiece" : "BPE";
  const std::string type =
      model->contains("type") && (*model)["type"].is_string() ? (*model)["type"].get<std::string>() : due;
  if (type != due) {
    return corrupt(
        file, fmt::format("is a tokenizer of the type {}, and this model needs {}", quote_name(type), due));
  }
  ATTEND_RETURN_IF_ERROR(parts.add_vocabulary(model->value("vocab", Json()), file));
  if (kind == TokenizerKind::kByteLevelBpe) {
    const Json merges = model->value("merges", Json::array());
    if (!merges.is_array()) return corrupt(file, "has merges that are no list");
    for (const Json& merge : merges) ATTEND_RETURN_IF_ERROR(read_merge(merge, file, parts.merges));
  }
  added = tokenizer.value("added_tokens", Json());
  return {};
}

// ---- vocab.txt; vocab.json and merges.txt

Status read_vocab_txt(Parts& parts) {
  const std::string file = parts.path("vocab.txt");
  const Result<std::string> text = read_text_file(file, kMostBytes);
  if (!text.ok()) return text.status();
  if (!is_utf8(text.value())) return corrupt(file, "is not UTF-8");
  Status status;
  for_each_line(text.value(), [&](std::string_view line, int64_t number) {
    if (status.ok()) status = parts.add(std::string(line), Json(number), file);
  });
  if (status.ok() && parts.table.ids.empty()) return corrupt(file, "is empty");
  return status;
}

Status read_vocab_json(Parts& parts) {
  const std::string file = parts.path("vocab.json"), merges_file = parts.path("merges.txt");
  const Result<Json> vocabulary = read_json_file(file, kMostBytes);
  if (!vocabulary.ok()) return vocabulary.status();
  ATTEND_RETURN_IF_ERROR(parts.add_vocabulary(vocabulary.value(), file));
  const Result<std::string> text = read_text_file(merges_file, kMostBytes);
  if (!text.ok()) return text.status();
  Status status;
  for_each_line(text.value(), [&](std::string_view line, int64_t number) {
    if (!status.ok() || line.empty() || (number == 0 && line.starts_with("#version"))) return;
    status = is_utf8(line) ? read_merge(Json(std::string(line)), merges_file, parts.merges)
                           : corrupt(merges_file, "is not UTF-8");
  });
  return status;
}

// ---- what stands beside the vocabulary

/// The object in `name`, empty where there is no such file.
Result<Json> read_optional(const char* name, const Parts& parts) {
  const std::string file = parts.path(name);
  if (!exists(file)) return Json::object();
  return read_json_file(file, kMostBytes);
}

/// Tokens that have a name, "eos_token", or are listed as special: each is, whatever its own flags are.
std::vector<AddedToken> named_tokens(const Json& settings) {
  std::vector<AddedToken> tokens;
  const auto take = [&](const Json& token) {
    if (!token.is_string() && !token.is_object()) return;
    tokens.push_back(read_token(token, true));
    tokens.back().special = true;
  };
  for (const auto& [key, value] : settings.items()) {
    const bool list = key == "additional_special_tokens" || key == "extra_special_tokens";
    if (key.ends_with("_token")) take(value);
    if (list && value.is_structured()) std::ranges::for_each(value, take);
  }
  return tokens;
}

void read_unknown(const Json& settings, Parts& parts) {
  const auto unknown = settings.find("unk_token");
  if (unknown != settings.end() && !unknown->is_null())
    parts.options.unknown = read_token(*unknown, true).text;
}

/// {"30522": {"content": "[DEC]", ...}, ...}
Status read_added_decoder(const Json& tokens, const std::string& file, Parts& parts) {
  for (const auto& [id, token] : tokens.items()) {
    const Json number = Json::parse(id, nullptr, /*allow_exceptions=*/false);
    ATTEND_RETURN_IF_ERROR(add_token(read_token(token, false), number, file, parts));
  }
  return {};
}

/// How text is normalised and put together. tokenizer.json is not asked: the tokenizers' classes go by this.
Status read_text_settings(const Json& settings, const std::string& file, Parts& parts) {
  Status status;
  const ConfigFields fields(settings, file, "", status);
  parts.options.lower_case = fields.flag("do_lower_case", true);
  parts.options.strip_accents = fields.flag("strip_accents", parts.options.lower_case);
  parts.options.separate_ideographs = fields.flag("tokenize_chinese_chars", true);
  parts.options.close_up = fields.flag("clean_up_tokenization_spaces", false);
  parts.prefix_space = fields.flag("add_prefix_space", false);
  read_unknown(settings, parts);
  return status;
}

/// Where tokenizer_config.json does not list the added tokens: `listed` of tokenizer.json, or, older,
/// {"[DEC]": 30522, ...}, of which those are special that have a name.
Status read_older_lists(const Json& listed, std::vector<AddedToken>& named, Parts& parts) {
  const Result<Json> map = read_optional("special_tokens_map.json", parts);
  if (!map.ok()) return map.status();
  read_unknown(map.value(), parts);
  Json usual = Json::object();  // transformers 5 takes no note of other keys of this file
  for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token",
                          "mask_token", "extra_special_tokens"}) {
    if (map.value().contains(key)) usual[key] = map.value()[key];
  }
  const std::vector<AddedToken> more = named_tokens(usual);
  named.insert(named.begin(), more.begin(), more.end());
  if (listed.is_array()) {
    for (const Json& token : listed) {
      const Json id = token.is_object() ? token.value("id", Json()) : Json();
      ATTEND_RETURN_IF_ERROR(add_token(read_token(token, false), id, parts.path("tokenizer.json"), parts));
    }
  }
  const Result<Json> added = read_optional("added_tokens.json", parts);
  if (!added.ok()) return added.status();
  for (const auto& [text, id] : added.value().items()) {
    const bool special =
        std::ranges::any_of(named, [&text = text](const AddedToken& token) { return token.text == text; });
    ATTEND_RETURN_IF_ERROR(add_token(read_token(text, special), id, parts.path("added_tokens.json"), parts));
  }
  return {};
}

Status read_beside(const Json& listed, Parts& parts) {
  const std::string file = parts.path("tokenizer_config.json");
  const Result<Json> settings = read_optional("tokenizer_config.json", parts);
  if (!settings.ok()) return settings.status();
  ATTEND_RETURN_IF_ERROR(read_text_settings(settings.value(), file, parts));
  std::vector<AddedToken> named = named_tokens(settings.value());
  const Json decoder = settings.value().value("added_tokens_decoder", Json());
  ATTEND_RETURN_IF_ERROR(decoder.is_object() ? read_added_decoder(decoder, file, parts)
                                             : read_older_lists(listed, named, parts));
  for (AddedToken& token : named) parts.name(std::move(token));
  return {};
}

std::vector<const char*> usual_specials(TokenizerKind kind) {
  if (kind == TokenizerKind::kByteLevelBpe) return {"<|endoftext|>"};
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> read_tokenizer(const std::string& folder, TokenizerKind kind,
                                                  int64_t vocabulary) {
  Parts parts{.folder = folder,
              .vocabulary = vocabulary,
              .table = {},
              .added = {},
              .places = {},
              .merges = {},
              .options = {}};
  Json listed;
  const bool words = kind == TokenizerKind::kWordPiece;
  if (exists(parts.path("tokenizer.json"))) {
    ATTEND_RETURN_IF_ERROR(read_tokenizer_json(kind, parts, listed));
  } else if (exists(parts.path(words ? "vocab.txt" : "vocab.json"))) {
    ATTEND_RETURN_IF_ERROR(words ? read_vocab_txt(parts) : read_vocab_json(parts));
  } else {
    return Status(StatusCode::kNotFound, fmt::format("{}: has neither tokenizer.json nor {}", folder,
                                                     words ? "vocab.txt" : "vocab.json"));
  }
  ATTEND_RETURN_IF_ERROR(read_beside(listed, parts));
  for (const char* token : usual_specials(kind)) parts.name({.text = token});
  if (words) {
    if (parts.table.id(parts.options.unknown) < 0) {
      return corrupt(folder, "the tokenizer lacks its unknown token " + quote_name(parts.options.unknown));
    }
    return std::unique_ptr<Tokenizer>(
        std::make_unique<WordPiece>(std::move(parts.table), parts.added, std::move(parts.options)));
  }
  Result<ByteLevelBpe> bpe =
      ByteLevelBpe::create(std::move(parts.table), parts.added, parts.merges, parts.prefix_space);
  if (!bpe.ok()) return corrupt(folder, "the tokenizer's " + bpe.status().message());
  return std::unique_ptr<Tokenizer>(std::make_unique<ByteLevelBpe>(std::move(bpe).value()));
}

}  // namespace attend
