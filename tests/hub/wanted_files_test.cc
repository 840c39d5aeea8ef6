#include "hub/wanted_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ModelName kName{"acme/captioner", "acme/captioner", "main"};

ModelListing listing(const std::vector<std::string>& names) {
  ModelListing list;
  for (const std::string& name : names) list.files.push_back({name, "", 0});
  return list;
}

std::vector<std::string> wanted(const std::vector<std::string>& names) {
  std::vector<std::string> found;
  const std::vector<HubFile> files = wanted_files(listing(names), kName).value();
  for (const HubFile& file : files) found.push_back(file.name);
  return found;
}

TEST(WantedFiles, AreSettingsTokenizerAndWeightsInThatOrder) {
  EXPECT_THAT(wanted({".gitattributes", "README.md", "config.json", "model.safetensors", "onnx/config.json",
                      "preprocessor_config.json", "pytorch_model.bin", "tf_model.h5", "vocab.txt"}),
              ElementsAre("config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors"));
}

TEST(WantedFiles, AreAllThatATokenizerIsReadFrom) {
  const std::vector<std::string> files = {
      "added_tokens.json",     "config.json", "merges.txt", "special_tokens_map.json", "tokenizer.json",
      "tokenizer_config.json", "vocab.json",  "vocab.txt",  "model.safetensors"};
  EXPECT_EQ(wanted(files), files);
}

TEST(WantedFiles, OneFileOfWeightsGoesBeforeShards) {
  EXPECT_THAT(wanted({"config.json", "model-00001-of-00002.safetensors", "model.safetensors",
                      "model.safetensors.index.json"}),
              ElementsAre("config.json", "model.safetensors"));
}

TEST(WantedFiles, ShardsComeWithTheirIndex) {
  EXPECT_THAT(wanted({"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                      "model.safetensors.index.json", "other.safetensors", "fp16/model-1.safetensors"}),
              ElementsAre("config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors",
                          "model-00002-of-00002.safetensors"));
}

TEST(WantedFiles, OtherWeightsAreNotEnough) {
  const auto refused = wanted_files(listing({"config.json", "pytorch_model.bin"}), kName);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
  EXPECT_THAT(refused.status().message(),
              AllOf(HasSubstr("model.safetensors"), HasSubstr("pytorch_model.bin")));
}

TEST(WantedFiles, ARepositoryWithoutSettingsIsNoModel) {
  const auto refused = wanted_files(listing({"model.safetensors"}), kName);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(), HasSubstr("config.json"));
  EXPECT_FALSE(wanted_files(listing({}), kName).ok());
}

}  // namespace
}  // namespace attend
