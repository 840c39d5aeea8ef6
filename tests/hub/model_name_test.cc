#include "hub/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "hub/known_models.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ModelName, AShortNameStandsForItsRepository) {
  const Result<ModelName> name = parse_model_name("blip-base");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name.value().repository, "Salesforce/blip-image-captioning-base");
  EXPECT_EQ(name.value().revision, "main");
  EXPECT_EQ(name.value().asked, "blip-base");
}

TEST(ModelName, ARevisionFollowsAnAtSign) {
  EXPECT_EQ(parse_model_name("vit-gpt2@refs/pr/4").value().revision, "refs/pr/4");
  const Result<ModelName> name = parse_model_name("acme/Captioner_2.0@v1.0");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name.value().repository, "acme/Captioner_2.0");
  EXPECT_EQ(name.value().revision, "v1.0");
}

TEST(ModelName, EveryKnownModelHasAllThatAListShows) {
  for (const KnownModel& model : known_models()) {
    EXPECT_TRUE(parse_model_name(std::string(model.repository)).ok()) << model.repository;
    EXPECT_GT(model.bytes, 100'000'000u);
    EXPECT_THAT(std::string(model.licence), Not(IsEmpty()));
    EXPECT_EQ(find_known_model(model.name), &model);
  }
}

TEST(ModelName, AnUnknownOneNamesThoseThatAreNear) {
  const Result<ModelName> name = parse_model_name("blip-bse");
  ASSERT_FALSE(name.ok());
  EXPECT_EQ(name.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(name.status().message(), HasSubstr("did you mean blip-base?"));
  EXPECT_THAT(similar_names("blip"), ElementsAre("blip-base", "blip-large"));
  EXPECT_THAT(similar_names("gitbase"), ElementsAre("git-base"));
  EXPECT_THAT(similar_names("a-name-like-no-other"), IsEmpty());
  EXPECT_THAT(similar_names(std::string(100000, 'x')), IsEmpty());
}

TEST(ModelName, WhatCannotBeARepositoryOrARevisionIsRefused) {
  for (const char* text :
       {"/", "a/", "/b", "a/b/c", "../b", "a/..", "a/b--c", "-a/b", "a/b.", "a b/c", "a/b\nc", "a/b@",
        "a/b@..", "a/b@x/../y", "a/b@/x", "a/b@x y", "a/b@x\n", "a/b@x//y", "\xc3\xa9/b"}) {
    const Result<ModelName> name = parse_model_name(text);
    ASSERT_FALSE(name.ok()) << text;
    EXPECT_EQ(name.status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(parse_model_name(std::string(96, 'a') + "/b").ok());
  EXPECT_FALSE(parse_model_name("").ok());
}

}  // namespace
}  // namespace attend
