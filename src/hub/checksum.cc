#include "hub/checksum.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace attend {
namespace {

EVP_MD_CTX* as_context(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

const EVP_MD* hash_of(std::string_view tag) {
  const bool hexadecimal = std::all_of(
      tag.begin(), tag.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hexadecimal) return nullptr;
  return tag.size() == 64 ? EVP_sha256() : tag.size() == 40 ? EVP_sha1() : nullptr;
}

}  // namespace

void Checksum::Free::operator()(void* context) const {
  EVP_MD_CTX_free(as_context(context));
}

Result<Checksum> Checksum::start(std::string_view tag, uint64_t size) {
  const EVP_MD* hash = hash_of(tag);
  if (hash == nullptr)
    return Status{StatusCode::kUnsupported,
                  fmt::format("the entity tag '{}' is neither a SHA-256 nor a SHA-1 of git", tag)};
  Checksum sum(EVP_MD_CTX_new());
  if (sum.context_ == nullptr) return Status{StatusCode::kOutOfMemory, "out of memory"};
  if (EVP_DigestInit_ex(as_context(sum.context_.get()), hash, nullptr) != 1)
    return Status{StatusCode::kUnsupported,
                  fmt::format("the system's cryptography does not compute {}", EVP_MD_get0_name(hash))};
  if (hash == EVP_sha1()) {
    const std::string header = fmt::format("blob {}", size);
    sum.add(std::as_bytes(std::span(header.c_str(), header.size() + 1)));  // with its zero byte
  }
  return sum;
}

void Checksum::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size());
}

std::string Checksum::digits() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned length = 0;
  EVP_DigestFinal_ex(as_context(context_.get()), sum.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", sum[i]);
  return text;
}

}  // namespace attend
