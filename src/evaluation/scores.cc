#include "evaluation/scores.h"

#include <utility>

#include "evaluation/bleu.h"
#include "evaluation/cider_d.h"
#include "evaluation/rouge_l.h"
#include "language/ptb_tokenizer.h"

namespace attend {
namespace {

Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

std::string counts(size_t candidates, size_t references) {
  return " (" + std::to_string(candidates) + " candidates, " + std::to_string(references) +
         " images with references)";
}

References::const_iterator find_image(const References& references, const std::string& image) {
  size_t begin = 0;
  for (auto found = references.find(image);; found = references.find(image.substr(begin))) {
    if (found != references.end()) return found;
    const size_t slash = image.find('/', begin);
    if (slash == std::string::npos) return found;
    begin = slash + 1;
  }
}

// The candidate of each image, in the order of `references`.
Result<std::vector<const CandidateCaption*>> pair_up(std::span<const CandidateCaption> candidates,
                                                     const References& references) {
  std::map<std::string_view, const CandidateCaption*> by_image;
  for (const CandidateCaption& candidate : candidates) {
    const auto image = find_image(references, candidate.image);
    if (image == references.end()) {
      return invalid(candidate.image + " has a candidate caption but no references" +
                     counts(candidates.size(), references.size()));
    }
    if (!by_image.emplace(image->first, &candidate).second) {
      return invalid(image->first + " has two candidate captions" +
                     counts(candidates.size(), references.size()));
    }
  }
  std::vector<const CandidateCaption*> paired;
  for (const auto& [image, texts] : references) {
    const auto candidate = by_image.find(image);
    if (candidate == by_image.end()) {
      return invalid(image + " has references but no candidate caption" +
                     counts(candidates.size(), references.size()));
    }
    if (texts.empty()) return invalid(image + " has 0 reference captions");
    paired.push_back(candidate->second);
  }
  return paired;
}

}  // namespace

Result<Scores> score_captions(std::span<const CandidateCaption> candidates, const References& references) {
  if (references.empty()) return invalid("there are 0 images with references to score captions against");
  auto paired = pair_up(candidates, references);
  if (!paired.ok()) return paired.status();

  WordTable words;
  std::vector<std::vector<WordIds>> sentences;
  sentences.reserve(references.size());
  for (const auto& [image, texts] : references) {
    std::vector<WordIds>& of_image = sentences.emplace_back();
    for (const std::string& text : texts) of_image.push_back(words.intern(split_words(text)));
  }

  const CiderD cider(sentences);
  BleuCounts bleu;
  Scores scores;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const WordIds candidate = words.intern(split_words(paired.value()[i]->text));
    bleu.add(candidate, sentences[i]);
    scores.rouge_l += rouge_l(candidate, sentences[i]);
    scores.cider_d += cider.score(candidate, static_cast<int64_t>(i));
  }
  const auto images = static_cast<double>(sentences.size());
  scores.bleu = bleu.score();
  scores.rouge_l /= images;
  scores.cider_d /= images;
  scores.images = static_cast<int64_t>(sentences.size());
  return scores;
}

}  // namespace attend
