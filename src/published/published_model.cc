#include "published/published_model.h"

#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <set>
#include <system_error>
#include <utility>

#include "language/utf8.h"
#include "published/config_file.h"
#include "published/image_in_words.h"
#include "published/model_parts.h"
#include "published/token_caption.h"

namespace attend {
namespace {

constexpr size_t kMostConfigBytes = size_t{4} << 20, kMostPromptBytes = size_t{1} << 14;

Result<PublishedNetwork> read_network(const PublishedSource& source) {
  Status status;
  const std::string file = source.folder + "/config.json";
  const ConfigFields fields(source.config, file, "", status);
  const std::string kind = fields.text("model_type");
  if (!status.ok()) return status;
  if (kind == "blip") return read_blip(source);
  if (kind == "vision-encoder-decoder") return read_vit_gpt2(source);
  if (kind == "git") return read_git(source);
  return Status(
      StatusCode::kUnsupported,
      fmt::format("{}: model_type is \"{:.40}\", and this version runs blip, git and vision-encoder-decoder",
                  file, kind));
}

const char* type_name(WeightType type) {
  switch (type) {
    case WeightType::kFloat32:
      return "float32";
    case WeightType::kFloat16:
      return "float16";
    case WeightType::kBFloat16:
      return "bfloat16";
    case WeightType::kInt8:
      return "int8";
  }
  return "";
}

/// How the checkpoint stores its matrices.
std::string stored_types(const CheckpointFolder& folder) {
  std::set<std::string> types;
  for (const auto& [name, tensor] : folder.tensors()) {
    if (tensor.stored->shape.size() >= 2) types.insert(tensor.stored->dtype);
  }
  std::string text;
  for (const std::string& type : types) text += (text.empty() ? "" : ", ") + type;
  return text;
}

std::map<std::string, std::string> make_notes(const PublishedNetwork& network, const CheckpointFolder& folder,
                                              const WeightReader& reader, std::optional<WeightType> rounded) {
  std::map<std::string, std::string> notes = {{"kind", network.kind}, {"stored as", stored_types(folder)}};
  notes["weights in memory"] = fmt::format("{:.1f} MB", static_cast<double>(reader.held_bytes()) / 1e6);
  if (rounded) {
    notes["rounded to"] = fmt::format("{}, off by {:.2g} of the weights' size (root mean square)",
                                      type_name(*rounded), reader.rounding_error().relative());
  }
  return notes;
}

/// What becomes of the caller's options.
struct Plan {
  std::vector<int32_t> prompt;  // start and prompt, as token numbers
  TokenSearchOptions search;
};

}  // namespace

struct PublishedModel::State {
  PublishedNetwork network;
  std::unique_ptr<Tokenizer> tokenizer;
  PhotoPreparation preparation;
  Executor& executor;
  std::map<std::string, std::string> notes;
  int64_t parameters;

  /// Start and prompt, as token numbers.
  Result<std::vector<int32_t>> prompt_of(const CaptionOptions& options) const {
    std::vector<int32_t> tokens = {*network.generation.start};
    if (!options.prompt) return tokens;
    if (!is_utf8(*options.prompt)) return Status(StatusCode::kInvalidArgument, "the prompt is not UTF-8");
    if (options.prompt->size() > kMostPromptBytes) {
      return Status(StatusCode::kInvalidArgument, fmt::format("the prompt has {} bytes, more than {}",
                                                              options.prompt->size(), kMostPromptBytes));
    }
    const std::vector<int32_t> words = tokenizer->encode(*options.prompt);
    tokens.insert(tokens.end(), words.begin(), words.end());
    return tokens;
  }

  Status check_length(const TokenSearchOptions& search) const {
    // The last token is said and not read.
    const int64_t most = network.decoder.positions() + 1;
    if (search.max_length <= most) return {};
    return {StatusCode::kInvalidArgument,
            fmt::format("max_length is {}, and this model has room for {} tokens", search.max_length, most)};
  }

  Result<Plan> plan(const CaptionOptions& options) const {
    Result<std::vector<int32_t>> prompt = prompt_of(options);
    if (!prompt.ok()) return prompt.status();
    const Result<TokenSearchOptions> search =
        search_options(network.generation, options, static_cast<int64_t>(prompt.value().size()));
    if (!search.ok()) return search.status();
    ATTEND_RETURN_IF_ERROR(attend::check(search.value(), prompt.value(), network.decoder.vocabulary()));
    ATTEND_RETURN_IF_ERROR(check_length(search.value()));
    return Plan{std::move(prompt).value(), search.value()};
  }

  Matrix<float> see(const Photo& photo, Pass& pass) const {
    Matrix<float> tokens = network.encoder.forward(prepare(photo, preparation), pass);
    if (!network.projection) return tokens;
    tokens = network.projection->linear.forward(tokens, pass);
    return network.projection->norm ? network.projection->norm->forward(tokens, pass) : tokens;
  }

  Caption say(const Photo& photo, const Plan& plan) const {
    const TokenSearchOptions& search = plan.search;
    Arena arena;
    Pass pass(arena, executor);
    ImageInWords words(network.decoder, see(photo, pass), search.beams, search.max_length, executor);
    const FoundTokens found = search_tokens(words, plan.prompt, search);
    Caption caption = to_caption(found, static_cast<int64_t>(plan.prompt.size()), *tokenizer,
                                 static_cast<int>(network.encoder.grid()));
    const PhotoArea area = area_seen(preparation, photo.width, photo.height);
    caption.area = {area.left, area.top, area.right, area.bottom};
    return caption;
  }
};

PublishedModel::PublishedModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
PublishedModel::PublishedModel(PublishedModel&&) noexcept = default;
PublishedModel& PublishedModel::operator=(PublishedModel&&) noexcept = default;
PublishedModel::~PublishedModel() = default;

Result<PublishedModel> PublishedModel::load(const std::string& folder, std::optional<WeightType> rounded,
                                            Executor& executor) {
  try {
    std::error_code ignored;
    if (!std::filesystem::exists(folder + "/config.json", ignored)) {
      return Status(StatusCode::kNotFound, folder + ": is no checkpoint's folder: it has no config.json");
    }
    const Result<nlohmann::json> config = read_json_file(folder + "/config.json", kMostConfigBytes);
    if (!config.ok()) return config.status();
    const Result<CheckpointFolder> checkpoint = CheckpointFolder::open(folder);
    if (!checkpoint.ok()) return checkpoint.status();
    WeightReader reader(checkpoint.value(), rounded, executor);
    Result<PublishedNetwork> network = read_network({folder, config.value(), reader});
    if (!network.ok()) return network.status();
    const PublishedNetwork& made = network.value();
    Result<std::unique_ptr<Tokenizer>> tokenizer =
        read_tokenizer(folder, made.tokenizer, made.decoder.vocabulary());
    if (!tokenizer.ok()) return tokenizer.status();
    const Result<PhotoPreparation> preparation =
        read_preparation(folder, made.processor, made.encoder.image_side());
    if (!preparation.ok()) return preparation.status();
    std::map<std::string, std::string> notes = make_notes(made, checkpoint.value(), reader, rounded);
    return PublishedModel(
        // NOLINTNEXTLINE(modernize-make-unique): Clang before 16 makes no aggregate by it
        std::unique_ptr<State>(new State{std::move(network).value(), std::move(tokenizer).value(),
                                         preparation.value(), executor, std::move(notes), reader.numbers()}));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, folder + ": not enough memory for the model");
  }
}

Status PublishedModel::check(const CaptionOptions& options) const {
  return state_->plan(options).status();
}

Result<Caption> PublishedModel::caption(const Photo& photo, const CaptionOptions& options) const {
  ATTEND_RETURN_IF_ERROR(check_pixels(photo));
  const Result<Plan> plan = state_->plan(options);
  if (!plan.ok()) return plan.status();
  try {
    return state_->say(photo, plan.value());
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, "not enough memory to caption a photo");
  }
}

int PublishedModel::grid() const {
  return static_cast<int>(state_->network.encoder.grid());
}
int64_t PublishedModel::features() const {
  return state_->network.encoder.width();
}
int64_t PublishedModel::vocabulary() const {
  return state_->network.decoder.vocabulary();
}
int64_t PublishedModel::parameters() const {
  return state_->parameters;
}
const std::map<std::string, std::string>& PublishedModel::notes() const {
  return state_->notes;
}

}  // namespace attend
