// What a file's author may have put into it to hurt its reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "checkpoint/safetensors.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string file_with_header_size(uint64_t size, const std::string& rest) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &size, 8);
  return file + rest;
}

std::string file_of(const std::string& header, size_t data_size) {
  return file_with_header_size(header.size(), header + std::string(data_size, '\1'));
}

Result<Safetensors> parse(const std::string& bytes) {
  return Safetensors::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "evil");
}

/// Looks at every byte that a parsed file offers, so that a sanitizer or a fault shows a range outside the
/// file.
void read_everything(const Safetensors& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    unsigned sum = 0;
    for (const std::byte b : tensor.bytes) sum += static_cast<unsigned>(b);
    EXPECT_LE(sum, 255u * tensor.bytes.size());
    if (tensor.bytes.size() > 4096) continue;
    std::vector<float> values(tensor.bytes.size());
    for (const size_t element : {2u, 4u, 8u}) {
      const Status status =
          file.read(name, tensor.shape, std::span(values).first(tensor.bytes.size() / element));
      EXPECT_EQ(status.ok(), status.message().empty());
    }
  }
}

void expect_refused(const std::string& bytes, const std::string& because) {
  const Result<Safetensors> file = parse(bytes);
  ASSERT_FALSE(file.ok()) << because;
  EXPECT_EQ(file.status().code(), StatusCode::kCorrupt);
  EXPECT_THAT(file.status().message(), StartsWith("evil: "));
  EXPECT_THAT(file.status().message(), HasSubstr(because));
  EXPECT_THAT(file.status().message(), Not(HasSubstr("\n")));
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(AHostileCheckpoint, WithAHeaderLongerThanTheFileIsRefused) {
  expect_refused(file_with_header_size(~uint64_t{0}, "{}"), "18446744073709551615");
  expect_refused(file_with_header_size(uint64_t{1} << 63, "{}"), "a header of");
  expect_refused(file_with_header_size(3, "{}"), "a header of 3 bytes in a file with 2 left");
  expect_refused("short", "only 5 bytes");
}

TEST(AHostileCheckpoint, WithAHeaderAboveTheFormatsLimitIsRefused) {
  constexpr size_t kTooLong = 100'000'001;
  expect_refused(file_with_header_size(kTooLong, "{" + std::string(kTooLong - 2, ' ') + "}"), "100000001");
}

TEST(AHostileCheckpoint, WithoutJsonIsRefused) {
  expect_refused(file_of("", 0), "JSON");
  expect_refused(file_of("{", 0), "JSON");
  expect_refused(file_of("{} {}", 0), "JSON");
  expect_refused(file_of("nonsense", 0), "JSON");
  expect_refused(file_of(R"({"t":{"dtype":"F32","shape":[1],)", 4), "JSON");
  expect_refused(file_of(std::string("{}\0{}", 5), 0), "JSON");
  expect_refused(file_of("{\"\xff\xfe\":{}}", 0), "JSON");
  expect_refused(file_of("{\"\xc3\":{}}", 0), "JSON");
  expect_refused(file_of("{\"\xed\xa0\x80\":{}}", 0), "JSON");  // a lone surrogate
}

TEST(AHostileCheckpoint, OfTheWrongFormIsRefused) {
  expect_refused(file_of("[]", 0), "an array");
  expect_refused(file_of("7", 0), "a number");
  expect_refused(file_of("null", 0), "null");
  expect_refused(file_of(R"({"t":[]})", 0), "an array at 't'");
  expect_refused(file_of(R"({"t":3})", 0), "a number at 't'");
  expect_refused(file_of(R"({"__metadata__":{"a":1}})", 0), "a number at 'a'");
  expect_refused(file_of(R"({"__metadata__":{"a":{}}})", 0), "an object at 'a'");
  expect_refused(file_of(R"({"__metadata__":[]})", 0), "an array");
  expect_refused(file_of(R"({"__metadata__":"x"})", 0), "a string");
}

TEST(AHostileCheckpoint, NestedAMillionDeepIsRefused) {
  const std::string arrays(1'000'000, '[');
  expect_refused(file_of(arrays, 0), "an array");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += R"({"dtype":)";
  expect_refused(file_of(objects, 0), "an object in the description of tensor 'dtype'");
  expect_refused(file_of(one("F32", arrays, "[0,4]"), 4), "an array in the description of tensor 't'");
}

TEST(AHostileCheckpoint, WithMissingRepeatedOrUnknownFieldsIsRefused) {
  expect_refused(file_of(R"({"t":{}})", 0), "missing dtype");
  expect_refused(file_of(R"({"t":{"dtype":"F32","shape":[]}})", 4), "missing data_offsets");
  expect_refused(file_of(R"({"t":{"dtype":"F32","data_offsets":[0,4]}})", 4), "missing shape");
  expect_refused(file_of(R"({"t":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4),
                 "repeated field");
  expect_refused(file_of(R"({"t":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4),
                 "repeated field");
  expect_refused(file_of(R"({"t":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}})", 4),
                 "unknown field");
  const std::string t = R"("t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  expect_refused(file_of("{" + t + "," + t + "}", 4), "repeated name");
  expect_refused(file_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "repeated key");
  expect_refused(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "repeated name");
}

TEST(AHostileCheckpoint, WithBadNumbersIsRefused) {
  expect_refused(file_of(one("F32", "[-1]", "[0,4]"), 4), "negative");
  expect_refused(file_of(one("F32", "[1.0]", "[0,4]"), 4), "fraction");
  expect_refused(file_of(one("F32", "[\"1\"]", "[0,4]"), 4), "a string");
  expect_refused(file_of(one("F32", "[null]", "[0,4]"), 4), "null");
  expect_refused(file_of(one("F32", "[true]", "[0,4]"), 4), "boolean");
  expect_refused(file_of(one("F32", "[9223372036854775808]", "[0,4]"), 4), "too large an axis");
  expect_refused(file_of(one("F32", "[99999999999999999999999]", "[0,4]"), 4), "fraction");
  expect_refused(file_of(one("F32", "[1]", "[0]"), 4), "fewer than two");
  expect_refused(file_of(one("F32", "[1]", "[]"), 4), "fewer than two");
  expect_refused(file_of(one("F32", "[1]", "[0,4,8]"), 4), "a number");
  expect_refused(file_of(one("F32", "1", "[0,4]"), 4), "a number");
}

TEST(AHostileCheckpoint, WithAShapeThatDoesNotFitItsBytesIsRefused) {
  expect_refused(file_of(one("F32", "[2]", "[0,4]"), 4), "needs 8 bytes but has 4");
  expect_refused(file_of(one("F32", "[0]", "[0,4]"), 4), "needs 0 bytes but has 4");
  expect_refused(file_of(one("F64", "[1]", "[0,4]"), 4), "needs 8 bytes");
  // Products that wrap to the right answer in 64 bits.
  expect_refused(file_of(one("F32", "[4611686018427387904,4]", "[0,0]"), 0), "more than 2^63");
  expect_refused(file_of(one("U8", "[4294967296,4294967296]", "[0,0]"), 0), "more than 2^63");
  expect_refused(file_of(one("F32", "[4294967297,4294967295,3]", "[0,4]"), 4), "more than 2^63");
  EXPECT_TRUE(parse(file_of(one("U8", "[4294967296,4294967296,0]", "[0,0]"), 0)).ok());
}

TEST(AHostileCheckpoint, WithRangesOutsideTheFileIsRefused) {
  expect_refused(file_of(one("F32", "[1]", "[4,8]"), 4), "bytes 4 to 8 of 4");
  expect_refused(file_of(one("F32", "[1]", "[4,0]"), 4), "bytes 4 to 0");
  expect_refused(file_of(one("F32", "[1]", "[18446744073709551612,18446744073709551615]"), 4),
                 "18446744073709551615");
}

TEST(AHostileCheckpoint, WithOverlapsHolesOrExtraBytesIsRefused) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + first +
           R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)" + second + "}}";
  };
  EXPECT_TRUE(parse(file_of(two("[0,4]", "[4,8]"), 8)).ok());
  EXPECT_TRUE(parse(file_of(two("[4,8]", "[0,4]"), 8)).ok());
  expect_refused(file_of(two("[0,4]", "[0,4]"), 4), "begins at byte 0 of the data where 4 is due");
  expect_refused(file_of(two("[0,4]", "[2,6]"), 6), "begins at byte 2");
  expect_refused(file_of(two("[0,4]", "[5,9]"), 9), "begins at byte 5");
  expect_refused(file_of(two("[1,5]", "[5,9]"), 9), "begins at byte 1");
  expect_refused(file_of(two("[0,4]", "[4,8]"), 9), "end at byte 8 of 9");
  expect_refused(file_of("{}", 1), "end at byte 0 of 1");
}

TEST(AHostileCheckpoint, OfAnUnknownOrIntegerTypeIsRefusedWhereItMatters) {
  expect_refused(file_of(one("F31", "[1]", "[0,4]"), 4), "unknown type 'F31'");
  expect_refused(file_of(one("", "[1]", "[0,4]"), 4), "unknown type ''");
  const std::string bytes = file_of(one("I32", "[1]", "[0,4]"), 4);
  const Result<Safetensors> file = parse(bytes);
  ASSERT_TRUE(file.ok());
  float value = 0;
  const Status status = file.value().read("t", {{1}}, {&value, 1});
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("type I32"));
}

TEST(AHostileCheckpoint, CannotBreakTheLineOfAMessage) {
  expect_refused(file_of(R"({"a\nb\u0007":3})", 0), "'a?b?'");
  expect_refused(file_of("{\"" + std::string(5000, 'n') + "\":3}", 0), "nnn...'");
}

TEST(ADamagedCheckpoint, CutAtAnyByteIsRefused) {
  const std::string whole =
      file_of(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
              R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[6,14]}}  )",
              14);
  ASSERT_TRUE(parse(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    const Result<Safetensors> file = parse(whole.substr(0, size));
    ASSERT_FALSE(file.ok()) << size;
    EXPECT_EQ(file.status().code(), StatusCode::kCorrupt);
  }
  EXPECT_FALSE(parse(whole + "x").ok());
}

TEST(ADamagedCheckpoint, WithAnyBitFlippedNeverReadsOutsideTheFile) {
  const std::string whole = file_of(one("F16", "[2,3]", "[0,12]"), 12);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Result<Safetensors> file = parse(damaged);
    if (file.ok()) {
      read_everything(file.value());
    } else {
      EXPECT_THAT(file.status().message(), StartsWith("evil: "));
    }
  }
}

TEST(ADamagedCheckpoint, WithRandomBytesReplacedNeverReadsOutsideTheFile) {
  const std::string whole = file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                    R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[8,12]}})",
                                    12);
  const std::string alphabet = "0123456789{}[]:,\" -\\x\xff";
  int accepted = 0;
  for (uint64_t round = 0; round < 20'000; ++round) {
    const RandomKey key = RandomKey(3).child(round);
    std::string damaged = whole;
    for (uint64_t i = 0; i <= key.below(0, 3); ++i) {
      damaged[key.below(2 * i + 1, damaged.size())] = alphabet[key.below(2 * i + 2, alphabet.size())];
    }
    const Result<Safetensors> file = parse(damaged);
    if (!file.ok()) continue;
    ++accepted;
    read_everything(file.value());
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 20'000);
}

}  // namespace
}  // namespace attend
