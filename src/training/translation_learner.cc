#include "training/translation_learner.h"

#include <fmt/format.h>

#include "evaluation/translation_score.h"
#include "translation/translate.h"
#include "translation/translator.h"

namespace attend {
namespace {

constexpr int64_t kSentencesAtOnce = 128;

}  // namespace

TranslationLearner::TranslationLearner(TranslationModel<float>& model, const TranslationTask& task,
                                       const TranslationLearningOptions& options, Executor& executor)
    : model_(model),
      task_(task),
      options_(options),
      executor_(executor),
      parameters_(model.parameters()),
      optimiser_(parameters_, options.adamw),
      batches_(task.pairs, options.pieces_per_batch, options.seed),
      schedule_{.peak = options.rate, .warmup = options.warmup, .fall = Schedule::Fall::kInverseSquareRoot},
      packed_(special_words(*task.pieces)) {
  if (task.validation) {
    const int64_t most = model.shape().decoder.max_length - 1;
    validation_pairs_ = encode_pairs(*task.validation, *task.pieces, most).pairs;
  }
}

StepResult TranslationLearner::step(int64_t epoch, int64_t batch, int64_t step) {
  packed_.clear();
  for (const int64_t pair : batches_.pick(epoch, batch)) packed_.add(task_.pairs[static_cast<size_t>(pair)]);
  arena_.reset();
  zero_gradients(parameters_);
  Pass pass(arena_, executor_, RandomKey(options_.seed).child(static_cast<uint64_t>(step)));
  pass.precision = options_.precision;
  StepResult result;
  result.words = static_cast<double>(packed_.rows());
  result.examples = packed_.pairs();
  result.loss = model_.learn(packed_.batch(), options_.label_smoothing, 1 / result.words, pass);
  result.learning_rate = schedule_.rate(step);
  result.gradient_norm = optimiser_.step(result.learning_rate, executor_);
  return result;
}

Result<std::vector<SetScores>> TranslationLearner::judge() {
  if (!task_.validation) return std::vector<SetScores>();
  const double bleu = validation_bleu();
  const std::optional<double> loss = validation_loss();
  std::string text = fmt::format("BLEU {:.2f}", bleu);
  if (loss) text += fmt::format(" loss {:.4f}", *loss);
  return std::vector<SetScores>{{"val", bleu, loss, text}};
}

double TranslationLearner::validation_bleu() const {
  GenerationOptions options = translation_defaults();
  options.beam = options_.validation_beam;
  if (options.beam == 1) options.method = GenerationOptions::Method::kGreedy;
  const std::vector<Translation> translations =
      translate_text(task_.validation->source, {options, kSentencesAtOnce}, *task_.pieces, model_, executor_);
  BleuCounts counts;
  for (size_t i = 0; i < translations.size(); ++i)
    add_translation(translations[i].text, task_.validation->target[i], counts);
  return counts.smoothed();
}

std::optional<double> TranslationLearner::validation_loss() {
  if (validation_pairs_.empty()) return {};
  double loss = 0, pieces = 0;
  for (size_t first = 0; first < validation_pairs_.size(); first += kSentencesAtOnce) {
    packed_.clear();
    for (size_t i = first; i < std::min(first + kSentencesAtOnce, validation_pairs_.size()); ++i)
      packed_.add(validation_pairs_[i]);
    arena_.reset();
    Pass pass(arena_, executor_);
    loss += model_.loss(packed_.batch(), 0.0, pass);
    pieces += static_cast<double>(packed_.rows());
  }
  return loss / pieces;
}

}  // namespace attend
