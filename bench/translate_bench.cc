// Our side of the benchmark of translation: pieces to pieces.
//
//   attend_translate_bench FILE
//
//   {"sources": [[ids], ..], "beam": B, "at_once": N}   -> {"seconds": S, "translations": [[ids], ..]}
//   {"do": "special"}                                    -> {"start": id, "end": id, "unknown": id}
//   {"do": "facts"}                                      -> {"isa": "avx2", "threads": 2}
#include <omp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/isa.h"
#include "checkpoint/safetensors.h"
#include "json_requests.h"
#include "translation/translate.h"
#include "translation/translation_file.h"
#include "translation/translator.h"

namespace attend::bench {
namespace {

class TranslateBench {
 public:
  explicit TranslateBench(LoadedTranslationModel loaded)
      : loaded_(std::move(loaded)),
        special_(special_words(loaded_.pieces)),
        executor_(make_openmp_executor()) {}

  Result<nlohmann::json> answer(const nlohmann::json& request) {
    const std::string what = request.value("do", "translate");
    if (what == "facts") {
      return nlohmann::json{{"isa", name(isas().front())}, {"threads", omp_get_max_threads()}};
    }
    if (what == "special") {
      return nlohmann::json{{"start", special_.start}, {"end", special_.end}, {"unknown", special_.unknown}};
    }
    const auto sources = request.at("sources").get<std::vector<std::vector<int32_t>>>();
    GenerationOptions options = translation_defaults();
    options.beam = request.at("beam").get<int>();
    options.keep_attention = false;
    std::vector<SpokenSentence> spoken;
    const double seconds = seconds_of([&] {
      spoken = translate(sources, special_, options, request.at("at_once").get<int64_t>(), loaded_.model,
                         *executor_);
    });
    nlohmann::json translations = nlohmann::json::array();
    for (const SpokenSentence& sentence : spoken) {
      nlohmann::json ids = nlohmann::json::array();
      for (const SpokenWord& piece : sentence.words) ids.push_back(piece.id);
      translations.push_back(std::move(ids));
    }
    return nlohmann::json{{"seconds", seconds}, {"translations", std::move(translations)}};
  }

 private:
  LoadedTranslationModel loaded_;
  SpecialWords special_;
  std::unique_ptr<Executor> executor_;
};

Result<int> run(const std::vector<std::string>& arguments) {
  const Result<Safetensors> file = Safetensors::open(arguments[0]);
  if (!file.ok()) return file.status();
  Result<LoadedTranslationModel> loaded = load_translation_model(file.value());
  if (!loaded.ok()) return loaded.status();
  TranslateBench bench(std::move(loaded).value());
  return answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::serve(argc, argv, {"attend_translate_bench MODEL.safetensors", 1, 1},
                              attend::bench::run);
}
