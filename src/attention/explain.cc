#include "attention/explain.h"

#include <cstdio>
#include <vector>

#include "attend/isa.h"
#include "attention/panel.h"

namespace attend {
namespace {

const char* name_of(Causal causal) {
  switch (causal) {
    case Causal::kNone:
      return "kNone";
    case Causal::kUpperLeft:
      return "kUpperLeft";
    case Causal::kLowerRight:
      return "kLowerRight";
    case Causal::kQueryOffset:
      return "kQueryOffset";
  }
  return "unknown";
}

std::string in_words(const AttentionWindow& window) {
  const auto side = [](int64_t keys) {
    return keys < 0 ? std::string("all keys") : std::to_string(keys) + " keys";
  };
  return "window of " + side(window.left) + " left and " + side(window.right) + " right";
}

std::string in_words(const Rope& rope) {
  return "rope over " + std::to_string(2 * rope.cos.shape[3]) + " features, " +
         (rope.layout == RopeLayout::kHalfSplit ? "half split" : "interleaved");
}

std::string in_short(float x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", static_cast<double>(x));
  return text;
}

/// Why a plan has panels of queries, and which.
std::string panels_in_words(const ForwardPlan& plan, const Sizes& n, const RowForm& form) {
  const std::string few = std::to_string(few_queries(plan.isa)), lanes = std::to_string(lanes_of(plan.isa));
  const std::string reason = n.Tq > few_queries(plan.isa) ? "Tq is " + std::to_string(n.Tq) + ", above " + few
                                                          : "the weights are summed up after it";
  return "because " + reason +
         (plan.form == ForwardForm::kPairs ? ": bfloat16 products two at a time, queries in "
                                           : ": queries in ") +
         lanes + " lanes, panels of up to " + std::to_string(kPanelVectors) + " vectors, blocks of " +
         std::to_string(form.block_queries()) + " queries";
}

std::string rows_in_words(const ForwardPlan& plan, const Sizes& n) {
  return "because Tq is " + std::to_string(n.Tq) + ", at most " + std::to_string(few_queries(plan.isa)) +
         ": features in " + std::to_string(lanes_of(plan.isa)) + " lanes, " + std::to_string(kSharedRows) +
         " queries a pass";
}

}  // namespace

std::string in_words(const ForwardPlan& plan, const Sizes& n, const RowForm& form) {
  const std::string isa(name(plan.isa)),
      items = std::to_string(plan.items) + " work items",
      tiles = ", tiles of " + std::to_string(kTileKeys) + " keys; " + items;
  switch (plan.form) {
    case ForwardForm::kReference:
      return "reference loops on " + isa +
             (form.dtype == DType::kFloat64 ? ", the only kernel for float64" : ", as pinned") + "; " + items;
    case ForwardForm::kRows:
      return "rows on " + isa + ", " + rows_in_words(plan, n) + tiles;
    case ForwardForm::kPanels:
    case ForwardForm::kPairs:
      return "panels on " + isa + ", " + panels_in_words(plan, n, form) + tiles;
  }
  return {};
}

std::string options_in_words(const AttentionOptions& options) {
  std::vector<std::string> words;
  if (options.causal != Causal::kNone) words.push_back(std::string("causal ") + name_of(options.causal));
  if (options.query_offset.size() == 1) {
    words.push_back("query_offset " + std::to_string(options.query_offset[0]));
  } else if (!options.query_offset.empty()) {
    words.push_back("a query_offset for each batch row");
  }
  if (options.window.left >= 0 || options.window.right >= 0) words.push_back(in_words(options.window));
  if (!options.kv_lengths.empty()) words.push_back("kv_lengths");
  if (options.mask.present()) words.push_back("mask");
  if (options.bias.present()) words.push_back("bias");
  if (options.alibi_slopes.present()) words.push_back("alibi_slopes");
  if (options.softcap != 0) words.push_back("softcap " + in_short(options.softcap));
  if (options.sinks.present()) words.push_back("sinks");
  if (options.rope.present()) words.push_back(in_words(options.rope));
  if (options.dropout != 0) words.push_back("dropout " + in_short(options.dropout));

  std::string sentence;
  for (const std::string& word : words) sentence += (sentence.empty() ? "; with " : ", ") + word;
  return sentence;
}

std::string summaries_in_words(const AttentionTensors& tensors) {
  if (!tensors.head_mean.present() && !tensors.column_sums.present()) return {};
  const std::string both = tensors.head_mean.present() && tensors.column_sums.present() ? " and " : "";
  return std::string("; then ") + (tensors.head_mean.present() ? "head_mean" : "") + both +
         (tensors.column_sums.present() ? "column_sums" : "") + " by a second pass over the scores";
}

}  // namespace attend
