#include "language/generation.h"

#include <fmt/format.h>

#include <cassert>
#include <type_traits>

#include "language/beam_search.h"
#include "language/sampling.h"

namespace attend {
namespace {

constexpr int kMostWords = 1 << 20;

template <class Number>
Status check_range(const char* name, Number value, Bounds<std::type_identity_t<Number>> bounds) {
  if (bounds.hold(value)) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, and must be from {} to {}", name, value, bounds.least, bounds.most)};
}

}  // namespace

Status check(const GenerationOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_range("beam", options.beam, kBeams));
  ATTEND_RETURN_IF_ERROR(check_range("samples", options.samples, kBeams));
  ATTEND_RETURN_IF_ERROR(check_range("length_exponent", options.length_exponent, kLengthExponents));
  ATTEND_RETURN_IF_ERROR(check_range("no_repeat_ngram", options.no_repeat_ngram, {0, kMostWords}));
  ATTEND_RETURN_IF_ERROR(check_range("max_length", options.max_length, {1, kMostWords}));
  ATTEND_RETURN_IF_ERROR(check_range("min_length", options.min_length, {0, options.max_length}));
  return check_range("temperature", options.temperature, {1e-3, 1e3});
}

std::vector<std::vector<SpokenSentence>> generate(NextWord& model, const SpecialWords& special,
                                                  const GenerationOptions& options) {
  assert(check(options).ok());
  if (options.method == GenerationOptions::Method::kBeam) return beam_search(model, special, options);
  return sample(model, special, options);
}

}  // namespace attend
