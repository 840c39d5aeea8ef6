#include "published/tokenizer_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
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

constexpr size_t kMostBytes = size_t{64} << 20;

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
  std::vector<SpecialToken> specials;
  Merges merges;
  WordPieceOptions options;

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

  /// A token that the vocabulary has already.
  void add_special(const std::string& text) {
    const int32_t id = table.id(text);
    if (id < 0 || text.empty()) return;
    for (const SpecialToken& special : specials) {
      if (special.id == id) return;
    }
    specials.push_back({text, id});
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

void read_normalizer(const Json& tokenizer, WordPieceOptions& options) {
  const auto normalizer = tokenizer.find("normalizer");
  if (normalizer == tokenizer.end() || !normalizer->is_object()) return;
  const auto flag = [&](const char* key, bool otherwise) {
    const auto field = normalizer->find(key);
    return field != normalizer->end() && field->is_boolean() ? field->get<bool>() : otherwise;
  };
  options.lower_case = flag("lowercase", true);
  options.strip_accents = flag("strip_accents", options.lower_case);
  options.separate_ideographs = flag("handle_chinese_chars", true);
}

Status read_added(const Json& tokenizer, const std::string& file, Parts& parts) {
  const auto added = tokenizer.find("added_tokens");
  if (added == tokenizer.end() || !added->is_array()) return {};
  for (const Json& token : *added) {
    const bool well_formed = token.is_object() && token.contains("content") && token["content"].is_string() &&
                             token.contains("id");
    if (!well_formed) return corrupt(file, "added_tokens holds something that is no token");
    const std::string text = token["content"].get<std::string>();
    ATTEND_RETURN_IF_ERROR(parts.add(text, token["id"], file));
    if (token.value("special", Json(false)) == true) parts.add_special(text);
  }
  return {};
}

Status read_tokenizer_json(TokenizerKind kind, Parts& parts) {
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
  } else {
    if (model->contains("unk_token") && (*model)["unk_token"].is_string()) {
      parts.options.unknown = (*model)["unk_token"].get<std::string>();
    }
    read_normalizer(tokenizer, parts.options);
  }
  return read_added(tokenizer, file, parts);
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

/// {"[DEC]": 30522, ...}
Status read_added_json(Parts& parts) {
  const std::string file = parts.path("added_tokens.json");
  if (!exists(file)) return {};
  const Result<Json> added = read_json_file(file, kMostBytes);
  if (!added.ok()) return added.status();
  for (const auto& [token, id] : added.value().items()) {
    ATTEND_RETURN_IF_ERROR(parts.add(token, id, file));
    parts.add_special(token);
  }
  return {};
}

/// A token is its text, or an object that has it as "content".
std::string token_text(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  if (token.is_object() && token.contains("content") && token["content"].is_string())
    return token["content"].get<std::string>();
  return {};
}

constexpr const char* kNamedTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};

/// What tokenizer_config.json or special_tokens_map.json says of tokens and of how text is normalised.
Status read_extras(const char* name, Parts& parts) {
  const std::string file = parts.path(name);
  if (!exists(file)) return {};
  const Result<Json> parsed = read_json_file(file, kMostBytes);
  if (!parsed.ok()) return parsed.status();
  Status status;
  const ConfigFields fields(parsed.value(), file, "", status);
  if (const Json* decoder = fields.find("added_tokens_decoder"); decoder != nullptr && decoder->is_object()) {
    for (const auto& [id, token] : decoder->items()) {
      const Json number = Json::parse(id, nullptr, /*allow_exceptions=*/false);
      ATTEND_RETURN_IF_ERROR(parts.add(token_text(token), number, file));
      if (token.is_object() && token.value("special", Json(false)) == true)
        parts.add_special(token_text(token));
    }
  }
  for (const char* key : kNamedTokens) {
    if (const Json* token = fields.find(key)) parts.add_special(token_text(*token));
  }
  if (const Json* unknown = fields.find("unk_token")) parts.options.unknown = token_text(*unknown);
  if (fields.has("do_lower_case")) {
    parts.options.lower_case = fields.flag("do_lower_case");
    parts.options.strip_accents = fields.flag("strip_accents", parts.options.lower_case);
  }
  parts.options.separate_ideographs =
      fields.flag("tokenize_chinese_chars", parts.options.separate_ideographs);
  return status;
}

Status read_extras(Parts& parts) {
  ATTEND_RETURN_IF_ERROR(read_extras("special_tokens_map.json", parts));
  return read_extras("tokenizer_config.json", parts);
}

Status read_separate_files(TokenizerKind kind, Parts& parts) {
  ATTEND_RETURN_IF_ERROR(kind == TokenizerKind::kWordPiece ? read_vocab_txt(parts) : read_vocab_json(parts));
  ATTEND_RETURN_IF_ERROR(read_added_json(parts));
  return read_extras(parts);
}

std::vector<const char*> usual_specials(TokenizerKind kind) {
  if (kind == TokenizerKind::kByteLevelBpe) return {"<|endoftext|>"};
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> read_tokenizer(const std::string& folder, TokenizerKind kind,
                                                  int64_t vocabulary) {
  Parts parts{
      .folder = folder, .vocabulary = vocabulary, .table = {}, .specials = {}, .merges = {}, .options = {}};
  const bool words = kind == TokenizerKind::kWordPiece;
  if (exists(parts.path("tokenizer.json"))) {
    ATTEND_RETURN_IF_ERROR(read_tokenizer_json(kind, parts));
  } else if (exists(parts.path(words ? "vocab.txt" : "vocab.json"))) {
    ATTEND_RETURN_IF_ERROR(read_separate_files(kind, parts));
  } else {
    return Status(StatusCode::kNotFound, fmt::format("{}: has neither tokenizer.json nor {}", folder,
                                                     words ? "vocab.txt" : "vocab.json"));
  }
  for (const char* token : usual_specials(kind)) parts.add_special(token);
  if (words) {
    if (parts.table.id(parts.options.unknown) < 0) {
      return corrupt(folder, "the tokenizer lacks its unknown token " + quote_name(parts.options.unknown));
    }
    return std::unique_ptr<Tokenizer>(std::make_unique<WordPiece>(
        std::move(parts.table), std::move(parts.specials), std::move(parts.options)));
  }
  Result<ByteLevelBpe> bpe =
      ByteLevelBpe::create(std::move(parts.table), std::move(parts.specials), parts.merges);
  if (!bpe.ok()) return corrupt(folder, "the tokenizer's " + bpe.status().message());
  return std::unique_ptr<Tokenizer>(std::make_unique<ByteLevelBpe>(std::move(bpe).value()));
}

}  // namespace attend
