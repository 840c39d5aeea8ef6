// Models from files that somebody spoilt: published checkpoints with all that belongs to them, and model
// files of this project's. Whatever the bytes, loading ends in a model or in one sentence, and what loads can
// be used.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "attend/captioner.h"
#include "base/choices.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"
#include "end_to_end/tiny_model.h"
#include "published/made_checkpoint.h"
#include "translation/file_testing.h"
#include "translation/translation_file.h"
#include "translation/translator.h"
#include "vision/photo.h"

namespace attend {
namespace {

using Files = std::map<std::string, std::string>;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Files files_in(const std::string& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files[entry.path().filename()] = contents(entry.path());
  return files;
}

/// The sound ones, in memory.
struct Models {
  std::vector<Files> checkpoints;
  std::string captioner = contents(tiny_model()), translator;

  Models() {
    for (const Json& golden : published_golden()["cases"]) {
      const TemporaryFolder folder;
      checkpoints.push_back(files_in(MadeCheckpoint(golden).write(folder)));
    }
    const TemporaryFolder folder;
    const Status saved = testing::save_toy_model(folder / "model");
    EXPECT_TRUE(saved.ok()) << saved.message();
    translator = contents(folder / "model");
  }
};

const Models& models() {
  static const Models models;
  return models;
}

Json hostile_value(Choices& choices) {
  switch (choices.between(0, 9)) {
    case 0:
      return nullptr;
    case 1:
      return choices.between(-2, 70000);
    case 2:
      return int64_t{1} << choices.between(0, 62);
    case 3:
      return -(int64_t{1} << choices.between(0, 62));
    case 4:
      return 1e300;
    case 5:
      return 0.5;
    case 6:
      return std::string(static_cast<size_t>(choices.between(0, 300)), 'x');
    case 7:
      return Json::array({1, "two", Json::object()});
    case 8:
      return choices.flip();
    default:
      return Json::object();
  }
}

/// Changes, takes out or adds a field somewhere.
void spoil_json(Choices& choices, Json& value) {
  Json* at = &value;
  while (at->is_structured() && !at->empty()) {
    Json::iterator field = at->begin();
    std::advance(field, choices.between(0, std::min<int64_t>(255, static_cast<int64_t>(at->size()) - 1)));
    if (field->is_structured() && choices.flip()) {
      at = &*field;
      continue;
    }
    if (choices.once_in(4)) {
      at->erase(field);
    } else {
      *field = hostile_value(choices);
    }
    return;
  }
  *at = hostile_value(choices);
}

void spoil_bytes(Choices& choices, std::string& file) {
  if (file.empty()) return;
  const int64_t last = static_cast<int64_t>(file.size()) - 1;
  switch (choices.between(0, 3)) {
    case 0:
      return file.resize(static_cast<size_t>(choices.between(0, last)));
    case 1:
      file.append(static_cast<size_t>(choices.between(1, 64)), '\xff');
      return;
    case 2: {  // what comes first says what the rest is
      const auto place = static_cast<size_t>(choices.between(0, std::min<int64_t>(last, 4095)));
      file[place] = static_cast<char>(choices.between(0, 255));
      return;
    }
    default:
      file[static_cast<size_t>(choices.between(0, last))] = static_cast<char>(choices.between(0, 255));
  }
}

void spoil(Choices& choices, std::string& file) {
  Json parsed = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || choices.once_in(8)) return spoil_bytes(choices, file);
  spoil_json(choices, parsed);
  file = parsed.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Spoils the JSON at the head of a safetensors file, whose length, which stands before it, stays true.
void spoil_header(Choices& choices, std::string& file) {
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof(length));
  std::string header = file.substr(sizeof(length), length);
  spoil(choices, header);
  const std::string rest = file.substr(sizeof(length) + length);
  length = header.size();
  file = std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + rest;
}

void expect_sentence(const Status& status) {
  EXPECT_FALSE(status.message().empty());
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

Photo drawn_photo(Choices& choices) {
  Photo photo;
  photo.width = static_cast<int>(choices.between(1, 40));
  photo.height = static_cast<int>(choices.between(1, 40));
  photo.rgb.assign(static_cast<size_t>(3 * photo.width * photo.height),
                   static_cast<uint8_t>(choices.between(0, 255)));
  return photo;
}

void use(const Result<Captioner>& captioner, Choices& choices) {
  if (!captioner.ok()) return expect_sentence(captioner.status());
  CaptionOptions options;
  options.beam = static_cast<int>(choices.between(1, 3));
  options.max_words = static_cast<int>(choices.between(1, 12));
  if (choices.flip())
    options.prompt = std::string(static_cast<size_t>(choices.between(0, 40)), choices.flip() ? 'a' : '\xc3');
  const Result<Caption> caption = captioner.value().caption(drawn_photo(choices), options);
  if (!caption.ok()) expect_sentence(caption.status());
}

void fuzz_checkpoint(Choices& choices) {
  const auto which = choices.between(0, static_cast<int64_t>(models().checkpoints.size()) - 1);
  Files files = models().checkpoints[static_cast<size_t>(which)];
  const int64_t times = choices.between(1, 3);
  for (int64_t i = 0; i < times && !files.empty(); ++i) {
    const bool sound = i == 0;
    Files::iterator file = files.begin();
    std::advance(file, choices.between(0, static_cast<int64_t>(files.size()) - 1));
    if (choices.once_in(16)) {
      files.erase(file);
    } else if (sound && file->first.ends_with(".safetensors") && choices.flip()) {
      spoil_header(choices, file->second);
    } else {
      spoil(choices, file->second);
    }
  }
  const TemporaryFolder folder;
  for (const auto& [name, bytes] : files) folder.file(name, bytes);
  constexpr WeightPrecision kPrecisions[] = {WeightPrecision::kAsStored, WeightPrecision::kBFloat16,
                                             WeightPrecision::kInt8};
  use(Captioner::load(folder.path(), serial_executor(), choices.of(kPrecisions)), choices);
}

void fuzz_captioner(Choices& choices) {
  std::string bytes = models().captioner;
  choices.flip() ? spoil_header(choices, bytes) : spoil_bytes(choices, bytes);
  const TemporaryFolder folder;
  use(Captioner::load(folder.file("model.safetensors", bytes), serial_executor()), choices);
}

void fuzz_translator(Choices& choices) {
  std::string bytes = models().translator;
  choices.flip() ? spoil_header(choices, bytes) : spoil_bytes(choices, bytes);
  const Result<Safetensors> file = Safetensors::parse(std::as_bytes(std::span(bytes)), "the model");
  if (!file.ok()) return expect_sentence(file.status());
  const Result<LoadedTranslationModel> model = load_translation_model(file.value());
  if (!model.ok()) return expect_sentence(model.status());
  TranslationOptions options{model.value().config.generation};
  options.generation.beam = static_cast<int>(choices.between(1, 3));
  const std::vector<std::string> sentences = {testing::toy_sentence(1, false), "", "\xff\xfe"};
  EXPECT_EQ(
      translate_text(sentences, options, model.value().pieces, model.value().model, serial_executor()).size(),
      sentences.size());
}

}  // namespace
}  // namespace attend

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  GTEST_FLAG_SET(throw_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Kind = void (*)(attend::Choices&);
  constexpr Kind kKinds[] = {attend::fuzz_checkpoint, attend::fuzz_captioner, attend::fuzz_translator};
  attend::Choices choices({data, size});
  choices.of(kKinds)(choices);
  return 0;
}
