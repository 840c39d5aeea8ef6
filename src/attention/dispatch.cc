#include "attention/dispatch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attend {
namespace {

constexpr std::array<std::pair<Isa, std::string_view>, 5> kNames = {{{Isa::kScalar, "scalar"},
                                                                     {Isa::kSse4, "sse4"},
                                                                     {Isa::kAvx2, "avx2"},
                                                                     {Isa::kAvx512, "avx512"},
                                                                     {Isa::kNeon, "neon"}}};

const std::vector<Isa>& available() {
  static const std::vector<Isa> found = {Isa::kScalar};
  return found;
}

}  // namespace

std::vector<Isa> isas() {
  return available();
}

std::string_view name(Isa isa) {
  for (const auto& [value, word] : kNames) {
    if (value == isa) return word;
  }
  return "unknown";
}

std::optional<Isa> isa_from_name(std::string_view word) {
  for (const auto& [value, known] : kNames) {
    if (known == word) return value;
  }
  return std::nullopt;
}

bool runs_here(Isa isa) {
  return std::find(available().begin(), available().end(), isa) != available().end();
}

Isa chosen_isa(DType dtype, const AttentionOptions& options) {
  if (dtype == DType::kFloat64) return Isa::kScalar;
  return options.isa ? *options.isa : available().front();
}

}  // namespace attend
