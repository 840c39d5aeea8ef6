// Model files that are missing, damaged or made to do harm: one line that names the file, and nothing is
// done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string good_model() {
  std::ifstream file(tiny_model(), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The eight bytes that say how long a safetensors header is.
std::string little_endian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

void expect_refused(const std::string& model, const std::string& why = "") {
  SCOPED_TRACE(model);
  TemporaryFolder folder;
  const std::string photo = folder.file("a.png", png_photo());
  for (const auto& arguments : {std::vector<std::string>{"caption", "--model", model, photo},
                                std::vector<std::string>{"info", "--model", model}}) {
    const Outcome outcome = run_attend(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines_of(outcome.err),
                ElementsAre(AllOf(StartsWith("attend: " + model + ": "), HasSubstr(why))));
  }
}

TEST(BadModel, MissingOrNoFile) {
  TemporaryFolder folder;
  expect_refused(folder / "gone.safetensors", "No such file");
  expect_refused(folder.path());
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  expect_refused(folder / "fifo", "not a regular file");
}

TEST(BadModel, EmptyOrSomethingElse) {
  TemporaryFolder folder;
  expect_refused(folder.file("empty.safetensors"));
  expect_refused(folder.file("photo.safetensors", jpeg_photo()));
  expect_refused(folder.file("no tensors.safetensors", little_endian(2) + "{}"));
}

TEST(BadModel, Truncated) {
  TemporaryFolder folder;
  const std::string model = good_model();
  for (const size_t size : {size_t{4}, size_t{100}, model.size() / 2, model.size() - 1}) {
    expect_refused(folder.file("short.safetensors", model.substr(0, size)));
  }
}

TEST(BadModel, AHeaderThatClaimsMoreThanTheFileHolds) {
  TemporaryFolder folder;
  const std::string rest = good_model().substr(8);
  for (const uint64_t length : {uint64_t{0}, uint64_t{1} << 40, ~uint64_t{0}}) {
    expect_refused(folder.file("length.safetensors", little_endian(length) + rest));
  }
}

TEST(BadModel, ValuesChangedInTheHeader) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string model = good_model();
    const size_t at = model.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    return model.replace(at, from.size(), to);
  };
  TemporaryFolder folder;
  expect_refused(folder.file("format.safetensors", with("attend.captioner/1", "attend.captioner/9")),
                 "attend.captioner");
  expect_refused(folder.file("offset.safetensors", with("\"data_offsets\":[0,", "\"data_offsets\":[9,")));
  expect_refused(folder.file("kind.safetensors", with("efficientnet-lite", "efficientnet-huge")), "encoder");
}

TEST(BadModel, WithoutABuiltInModelTheProgramSaysWhatToDo) {
  if (run_attend({"info", "--format", "jsonl"}).out.find("\"model\":null") == std::string::npos) {
    GTEST_SKIP() << "a model is built in";
  }
  TemporaryFolder folder;
  const Outcome outcome = run_attend({"caption", folder.file("a.png", png_photo())});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(AllOf(HasSubstr("no built-in model"), HasSubstr("--model"))));
}

}  // namespace
}  // namespace attend
