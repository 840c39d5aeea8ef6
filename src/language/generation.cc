#include "language/generation.h"

#include <fmt/format.h>

#include <cassert>
#include <cmath>

#include "language/beam_search.h"
#include "language/sampling.h"

namespace attend {
namespace {

constexpr int kMostHypotheses = 1024;  // beams or samples a prompt
constexpr int kMostWords = 1 << 20;

Status check_range(const char* name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, and must be from {} to {}", name, value, least, most)};
}

}  // namespace

Status check(const GenerationOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_range("beam", options.beam, 1, kMostHypotheses));
  ATTEND_RETURN_IF_ERROR(check_range("samples", options.samples, 1, kMostHypotheses));
  ATTEND_RETURN_IF_ERROR(check_range("length_exponent", options.length_exponent, 0, 10));
  ATTEND_RETURN_IF_ERROR(check_range("no_repeat_ngram", options.no_repeat_ngram, 0, kMostWords));
  ATTEND_RETURN_IF_ERROR(check_range("max_length", options.max_length, 1, kMostWords));
  ATTEND_RETURN_IF_ERROR(check_range("min_length", options.min_length, 0, options.max_length));
  return check_range("temperature", options.temperature, 1e-3, 1e3);
}

std::vector<std::vector<SpokenSentence>> generate(NextWord& model, const SpecialWords& special,
                                                  const GenerationOptions& options) {
  assert(check(options).ok());
  if (options.method == GenerationOptions::Method::kBeam) return beam_search(model, special, options);
  return sample(model, special, options);
}

}  // namespace attend
