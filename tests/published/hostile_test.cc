// Checkpoints that are damaged, contradict themselves or were made to do harm: one sentence that names the
// file and what is wrong in it, and no crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "published/made_checkpoint.h"
#include "published/published_model.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

Status load_status(const std::string& path) {
  return PublishedModel::load(path, std::nullopt, serial_executor()).status();
}

void expect_refused(const MadeCheckpoint& checkpoint, const std::string& why) {
  TemporaryFolder folder;
  const Status status = load_status(checkpoint.write(folder));
  EXPECT_FALSE(status.ok()) << why;
  EXPECT_THAT(status.message(), HasSubstr(why));
  EXPECT_THAT(status.message(), HasSubstr(folder.path()));
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

MadeCheckpoint made(const std::string& name) {
  return MadeCheckpoint(golden_case(name));
}

void expect_config_refused(const std::string& name, const std::string& why,
                           const std::function<void(Json&)>& change) {
  MadeCheckpoint checkpoint = made(name);
  Json config = checkpoint.config();
  change(config);
  checkpoint.set_config(config);
  expect_refused(checkpoint, why);
}

TEST(HostileCheckpoint, EveryTensorIsMissed) {
  for (const char* name : {"blip", "vit-gpt2", "git"}) {
    for (const auto& [tensor, shape] : made(name).tensors) {
      if (tensor.starts_with("encoder.pooler")) continue;
      MadeCheckpoint checkpoint = made(name);
      checkpoint.tensors.erase(tensor);
      expect_refused(checkpoint, "no tensor '" + tensor + "'");
    }
  }
}

TEST(HostileCheckpoint, EveryTensorsShapeIsChecked) {
  for (const char* name : {"blip", "vit-gpt2", "git"}) {
    for (const auto& [tensor, shape] : made(name).tensors) {
      if (tensor.starts_with("encoder.pooler")) continue;
      MadeCheckpoint checkpoint = made(name);
      checkpoint.tensors[tensor].back() += 1;
      expect_refused(checkpoint, "tensor '" + tensor + "' has shape");
    }
  }
}

TEST(HostileCheckpoint, ATensorTooMany) {
  MadeCheckpoint checkpoint = made("git");
  checkpoint.tensors["git.encoder.layer.2.output.dense.bias"] = {32};
  expect_refused(checkpoint, "tensor 'git.encoder.layer.2.output.dense.bias' is no part");
}

TEST(HostileCheckpoint, TensorsOfAnotherType) {
  TemporaryFolder folder;
  const std::string path = made("blip").write(folder);
  std::ifstream file(folder / "model.safetensors", std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  const size_t at = bytes.find("F32");
  ASSERT_NE(at, std::string::npos);
  folder.file("model.safetensors", bytes.replace(at, 3, "I32"));
  EXPECT_THAT(load_status(path).message(), HasSubstr("has type I32 where F32, F16 or BF16 is needed"));
}

/// Whether every byte of the file counts: a list of tokens may end anywhere, and BLIP has no use for
/// generation_config.json.
bool is_read_whole(const std::string& name, const std::string& file) {
  if (file.ends_with(".txt") || file == "special_tokens_map.json") return false;
  return name != "blip" || file != "generation_config.json";
}

TEST(HostileCheckpoint, FilesCutAnywhere) {
  for (const char* name : {"blip", "vit-gpt2-projected"}) {
    TemporaryFolder folder;
    const std::string path = made(name).write(folder);
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const std::string file = entry.path().filename().string();
      if (!is_read_whole(name, file)) continue;
      std::ifstream whole(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(whole), {});
      for (const size_t size : {size_t{0}, size_t{7}, bytes.size() / 2, bytes.size() - 2}) {
        folder.file(file, bytes.substr(0, size));
        const Status status = load_status(path);
        EXPECT_FALSE(status.ok()) << file << " of " << size << " bytes";
        EXPECT_THAT(status.message(), HasSubstr(file));
      }
      folder.file(file, bytes);
    }
    EXPECT_TRUE(load_status(path).ok());
  }
}

TEST(HostileCheckpoint, KindsThatAreNotKnown) {
  expect_config_refused("blip", "model_type is \"blip-2\"", [](Json& c) { c["model_type"] = "blip-2"; });
  expect_config_refused("blip", "model_type is missing", [](Json& c) { c.erase("model_type"); });
  expect_config_refused("vit-gpt2", "encoder.model_type is \"swin\"",
                        [](Json& c) { c["encoder"]["model_type"] = "swin"; });
  expect_config_refused("vit-gpt2", "decoder.model_type is \"bert\"",
                        [](Json& c) { c["decoder"]["model_type"] = "bert"; });
  expect_config_refused("vit-gpt2", "decoder is missing", [](Json& c) { c.erase("decoder"); });
}

TEST(HostileCheckpoint, NumbersThatNoModelHas) {
  for (const Json& value :
       {Json(0), Json(-1), Json(int64_t{1} << 40), Json(1e300), Json("32"), Json::array(), Json(3.5)}) {
    for (const char* key : {"hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size"}) {
      expect_config_refused("blip", std::string("text_config.") + key,
                            [&](Json& c) { c["text_config"][key] = value; });
      expect_config_refused("git", std::string("vision_config.") + key,
                            [&](Json& c) { c["vision_config"][key] = value; });
    }
    expect_config_refused("vit-gpt2", "decoder.n_layer", [&](Json& c) { c["decoder"]["n_layer"] = value; });
    expect_config_refused("git", "patch_size", [&](Json& c) { c["vision_config"]["patch_size"] = value; });
  }
  expect_config_refused("blip", "does not part the width 32",
                        [](Json& c) { c["text_config"]["num_attention_heads"] = 5; });
  expect_config_refused("git", "is 1, which does not part the width 1032 into equal heads of at most 1024",
                        [](Json& c) {
                          c["vision_config"].update({{"hidden_size", 1032}, {"num_attention_heads", 1}});
                        });
  expect_config_refused("vit-gpt2", "n_head is 2, which does not part the width 4096", [](Json& c) {
    c["decoder"].update({{"n_embd", 4096}, {"n_head", 2}});
  });
  expect_config_refused("blip", "hidden_act is \"silu\"",
                        [](Json& c) { c["text_config"]["hidden_act"] = "silu"; });
  expect_config_refused("git", "image_size is not a square", [](Json& c) {
    c["vision_config"]["image_size"] = {32, 48};
  });
  expect_config_refused("blip", "sep_token_id is 64", [](Json& c) { c["text_config"]["sep_token_id"] = 64; });
  expect_config_refused("blip", "text_config.bos_token_id",
                        [](Json& c) { c["text_config"].erase("bos_token_id"); });
}

TEST(HostileCheckpoint, ConfigsThatAreNone) {
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{"), std::string("nan"),
                                  std::string(100000, '['), "{\"model_type\":" + std::string(100, '[')}) {
    MadeCheckpoint checkpoint = made("blip");
    checkpoint.files["config.json"] = text;
    expect_refused(checkpoint, "config.json");
  }
}

TEST(HostileCheckpoint, AnIndexThatLies) {
  TemporaryFolder folder;
  const std::string path = made("blip-defaults").write(folder);
  std::ifstream file(folder / "model.safetensors.index.json");
  const Json index = Json::parse(file);
  const auto refused = [&](const Json& changed) {
    folder.file("model.safetensors.index.json", changed.dump());
    const Status status = load_status(path);
    EXPECT_FALSE(status.ok()) << changed;
    return status.message();
  };
  Json changed = index;
  changed["weight_map"]["more"] = "model-00001-of-00002.safetensors";
  EXPECT_THAT(refused(changed), HasSubstr("lacks the tensor 'more'"));
  changed["weight_map"]["more"] = "../model-00001-of-00002.safetensors";
  EXPECT_THAT(refused(changed), HasSubstr("is not the name of a file in this folder"));
  changed["weight_map"]["more"] = "gone.safetensors";
  EXPECT_THAT(refused(changed), HasSubstr("gone.safetensors"));
  changed = index;
  changed["weight_map"].erase(changed["weight_map"].begin());
  EXPECT_THAT(refused(changed), HasSubstr("and the index does not say so"));
  EXPECT_THAT(refused(Json{{"weight_map", Json::object()}}), HasSubstr("is empty"));
  EXPECT_THAT(refused(Json::object()), HasSubstr("has no weight_map"));
}

TEST(HostileCheckpoint, FoldersWithoutWeights) {
  TemporaryFolder folder;
  EXPECT_EQ(load_status(folder.path()).code(), StatusCode::kNotFound);
  folder.file("config.json", "{\"model_type\":\"blip\"}");
  EXPECT_THAT(load_status(folder.path()).message(), HasSubstr("has neither model.safetensors"));
  folder.file("pytorch_model.bin");
  EXPECT_THAT(load_status(folder.path()).message(), HasSubstr("which can run code as it is read"));
}

TEST(HostileCheckpoint, TokenizersThatDoNotFit) {
  MadeCheckpoint checkpoint = made("blip");
  checkpoint.files["vocab.txt"] += "one\ntwo\nthree\nfour\nfive\n";
  expect_refused(checkpoint, "and config.json a vocab_size of 60");

  checkpoint = made("git");
  checkpoint.files["tokenizer.json"] = made("vit-gpt2-projected").files["tokenizer.json"];
  expect_refused(checkpoint, "is a tokenizer of the type 'BPE', and this model needs WordPiece");
  checkpoint.files["tokenizer.json"] = "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":-1}}}";
  expect_refused(checkpoint, "token 'a' has no number that a token can have");
  checkpoint.files["tokenizer.json"] = "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1}}}";
  expect_refused(checkpoint, "lacks its unknown token '[UNK]'");
  checkpoint.files.erase("tokenizer.json");
  expect_refused(checkpoint, "has neither tokenizer.json nor vocab.txt");

  checkpoint = made("vit-gpt2");
  checkpoint.files["merges.txt"] += "zz q\n";
  expect_refused(checkpoint, "'zz' and 'q', is not in the vocabulary");
  checkpoint.files["merges.txt"] = "alone\n";
  expect_refused(checkpoint, "merge 0 is not two tokens");
}

TEST(HostileCheckpoint, ProcessorsThatDoNotFit) {
  const auto refused = [](const Json& settings, const std::string& why) {
    MadeCheckpoint checkpoint = made("blip");
    checkpoint.files["preprocessor_config.json"] = settings.dump();
    expect_refused(checkpoint, why);
  };
  refused({{"size", 33}}, "makes 33 x 33 pixels where config.json has an image_size of 32");
  refused({{"size", {{"shortest_edge", 32}}}}, "does not make photographs one size");
  refused({{"size", 32}, {"resample", 1}}, "resample is 1");
  refused({{"size", 32}, {"image_std", {0.5, 0, 0.5}}}, "image_std holds a number that is not above 0");
  refused({{"size", 32}, {"image_mean", {0.5}}}, "image_mean is not a list of 3 numbers");
  refused({{"size", 32}, {"use_square_size", true}}, "use_square_size is not known here");
  refused({{"size", 32}, {"do_center_crop", true}, {"crop_size", 64}}, "makes 64 x 64 pixels");
  refused({{"size", 16}, {"do_center_crop", true}, {"crop_size", 32}}, "crops 32 x 32 pixels from 16 x 16");
}

TEST(HostileCheckpoint, GenerationSettingsThatAreNotKnown) {
  const auto refused = [](const Json& settings, const std::string& why) {
    MadeCheckpoint checkpoint = made("git");
    checkpoint.files["generation_config.json"] = settings.dump();
    expect_refused(checkpoint, why);
  };
  refused({{"bos_token_id", 2}, {"num_beam_groups", 2}}, "num_beam_groups changes what is said");
  refused({{"bos_token_id", 2}, {"suppress_tokens", {4}}}, "suppress_tokens changes what is said");
  refused({{"max_length", 9}}, "bos_token_id is missing");
  refused({{"bos_token_id", 60}}, "bos_token_id is 60, and must be from 0 to 59");
  refused({{"bos_token_id", 2}, {"eos_token_id", {3, 99}}}, "eos_token_id holds something else");
  refused({{"bos_token_id", 2}, {"num_beams", 0}}, "num_beams is 0");
  refused({{"bos_token_id", 2}, {"early_stopping", "sometimes"}}, "early_stopping is none of");
}

/// Two pixels.
const Photo kPhoto{2, 1, {1, 2, 3, 4, 5, 6}};

/// Options with one thing changed, or several.
CaptionOptions with(const std::function<void(CaptionOptions&)>& change) {
  CaptionOptions options;
  change(options);
  return options;
}

CaptionOptions with_beam(int beam) {
  return with([&](CaptionOptions& options) { options.beam = beam; });
}

TEST(PublishedOptions, ThatTheModelCannotFollow) {
  TemporaryFolder folder;
  const Result<PublishedModel> model =
      PublishedModel::load(made("blip").write(folder), std::nullopt, serial_executor());
  ASSERT_TRUE(model.ok());
  const auto refused = [&](const std::function<void(CaptionOptions&)>& change) {
    const Result<Caption> caption = model.value().caption(kPhoto, with(change));
    EXPECT_EQ(caption.status().code(), StatusCode::kInvalidArgument);
    return caption.status().message();
  };
  EXPECT_THAT(refused([](CaptionOptions& o) { o.max_words = 50; }),
              HasSubstr("max_length is 50, and this model has room for 49 tokens"));
  EXPECT_THAT(refused([](CaptionOptions& o) {
                o.max_words = 4;
                o.prompt = "a dog on the beach";
              }),
              HasSubstr("the prompt has 6 tokens with its start, and max_length is 4"));
  EXPECT_THAT(refused([](CaptionOptions& o) { o.prompt = std::string(20000, 'a'); }),
              HasSubstr("the prompt has 20000 bytes"));
  EXPECT_THAT(refused([](CaptionOptions& o) { o.prompt = "\xff"; }), HasSubstr("is not UTF-8"));
  EXPECT_THAT(refused([](CaptionOptions& o) { o.beam = 31; }),
              HasSubstr("beam is 31, and must be from 1 to 30"));
  EXPECT_TRUE(model.value().caption(kPhoto, with_beam(30)).ok());
  EXPECT_EQ(model.value().caption({2, 2, {1}}, {}).status().code(), StatusCode::kInvalidArgument);
}

TEST(PublishedOptions, DrawnWordsFollowTheSeed) {
  TemporaryFolder folder;
  MadeCheckpoint checkpoint = made("git");
  checkpoint.files["generation_config.json"] = R"({"bos_token_id": 2, "eos_token_id": 3, "do_sample": true})";
  const Result<PublishedModel> model =
      PublishedModel::load(checkpoint.write(folder), std::nullopt, serial_executor());
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model.value().caption(kPhoto, {}).status().code(), StatusCode::kUnsupported);
  EXPECT_TRUE(model.value().caption(kPhoto, with_beam(1)).ok());
  const auto drawn = [&](uint64_t seed) {
    return model.value()
        .caption(kPhoto, with([&](CaptionOptions& o) { o.sample_seed = seed; }))
        .value()
        .tokens;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

/// Changes the first number of a tensor in model.safetensors.
void spoil(const TemporaryFolder& folder, const std::string& tensor, float number) {
  std::fstream file(folder / "model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
  uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof size);
  std::string header(size, ' ');
  file.read(header.data(), static_cast<std::streamsize>(size));
  const int64_t at = Json::parse(header).at(tensor).at("data_offsets").at(0);
  file.seekp(static_cast<std::streamoff>(sizeof size + size) + at);
  file.write(reinterpret_cast<const char*>(&number), sizeof number);
}

TEST(HostileCheckpoint, WhatIsNotFiniteIsNotRounded) {
  const std::string matrix = "git.encoder.layer.0.output.dense.weight";
  for (const float number :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
      TemporaryFolder folder;
      const std::string path = made("git").write(folder);
      EXPECT_TRUE(PublishedModel::load(path, type, serial_executor()).ok());
      spoil(folder, matrix, number);
      const Status status = PublishedModel::load(path, type, serial_executor()).status();
      EXPECT_EQ(status.code(), StatusCode::kCorrupt);
      EXPECT_EQ(status.message(), path + ": tensor '" + matrix + "' holds a number that is not finite");
    }
  }
}

TEST(HostileCheckpoint, NumbersThatAreNotFiniteEndInAnErrorOrACaption) {
  TemporaryFolder folder;
  const std::string path = made("vit-gpt2").write(folder);
  std::fstream file(folder / "model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(-4096, std::ios::end);
  file << std::string(4096, '\xff');  // NaN, in whatever tensor comes last
  file.close();
  const Result<PublishedModel> model = PublishedModel::load(path, std::nullopt, serial_executor());
  if (model.ok()) {
    EXPECT_TRUE(model.value().caption(kPhoto, {}).ok());
    EXPECT_TRUE(model.value().caption(kPhoto, with_beam(1)).ok());
  }
}

}  // namespace
}  // namespace attend
