// Our side of the training benchmark: learns from batches of a file when asked, and says how long it took.
//
//   attend_train_bench WEIGHTS.safetensors BATCHES.safetensors
//
//   {"do": "restart"}                               weights as in the file, no moments, first batch next
//   {"do": "learn", "steps": N, "dropout": true}    -> {"seconds": S, "losses": [nats a word, ...]}
//   {"do": "facts"}                                 -> {"isa": "avx2", "threads": 2}
#include <omp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "attend/isa.h"
#include "base/half.h"
#include "captioner/caption_model.h"
#include "captioner/model_config.h"
#include "json_requests.h"
#include "training/adamw.h"
#include "training/batches.h"
#include "training/training_state.h"
#include "training_batches.h"

namespace attend::bench {
namespace {

constexpr double kRate = 4e-4;
constexpr double kLabelSmoothing = 0.1;
constexpr AdamWOptions kAdamW = {.weight_decay = 0.01, .clip = 1.0};

class TrainBench {
 public:
  TrainBench(const CaptionModelShape& shape, std::string weights, std::vector<TrainingBatch> batches)
      : model_(shape),
        weights_(std::move(weights)),
        batches_(std::move(batches)),
        executor_(make_openmp_executor()),
        packed_(shape.text.max_length) {}

  Result<nlohmann::json> answer(const nlohmann::json& request) {
    const std::string what = request.at("do");
    if (what == "restart") return restart();
    if (what == "learn") return learn(request.at("steps"), request.at("dropout"));
    if (what == "facts")
      return nlohmann::json{{"isa", name(isas().front())}, {"threads", omp_get_max_threads()}};
    return Status(StatusCode::kInvalidArgument, "there is no request \"" + what + "\"");
  }

 private:
  Result<nlohmann::json> restart() {
    ATTEND_RETURN_IF_ERROR(load_parameters(weights_, model_.parameters()));
    optimiser_ = std::make_unique<AdamW<float>>(model_.parameters(), kAdamW);
    steps_ = 0;
    return nlohmann::json::object();
  }

  Result<nlohmann::json> learn(int64_t steps, bool dropout) {
    if (!optimiser_) return Status(StatusCode::kInvalidArgument, "restart first");
    std::vector<double> losses;
    const double seconds = seconds_of([&] {
      for (int64_t i = 0; i < steps; ++i) losses.push_back(step(dropout));
    });
    return nlohmann::json{{"seconds", seconds}, {"losses", losses}};
  }

  /// What Learner::step does, on a batch of the file.
  double step(bool dropout) {
    const TrainingBatch& batch = batches_[static_cast<size_t>(steps_) % batches_.size()];
    arena_.reset();
    const Matrix<float> features = widen(batch);
    pack(batch);
    zero_gradients(model_.parameters());
    Pass pass = dropout ? Pass(arena_, *executor_, RandomKey(1).child(static_cast<uint64_t>(steps_)))
                        : Pass(arena_, *executor_);
    const double words = packed_.total_weight();
    const double loss = model_.learn(packed_.with(features), kLabelSmoothing, 1.0 / words, pass);
    optimiser_->step(kRate, *executor_);
    ++steps_;
    return loss / words;
  }

  Matrix<float> widen(const TrainingBatch& batch) {
    const Matrix<float> features = arena_.matrix<float>(batch.photos * batch.patches, batch.width);
    const size_t photo = static_cast<size_t>(batch.patches * batch.width);
    executor_->for_each(batch.photos, [&](int64_t i, int) {
      const size_t first = static_cast<size_t>(i) * photo;
      halves_to_floats(batch.features.subspan(first, photo), features.values().subspan(first, photo));
    });
    return features;
  }

  void pack(const TrainingBatch& batch) {
    packed_.clear();
    auto length = batch.lengths.begin();
    size_t word = 0;
    for (int64_t photo = 0; photo < batch.photos; ++photo) {
      for (int64_t i = 0; i < batch.captions_a_photo; ++i) {
        const size_t words = static_cast<size_t>(*length++);
        packed_.add_caption(batch.words.subspan(word, words), true, 1.0f);
        word += words;
      }
      packed_.end_photo();
    }
  }

  CaptionModel<float> model_;
  std::string weights_;
  std::vector<TrainingBatch> batches_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<AdamW<float>> optimiser_;
  Arena arena_;
  PackedCaptions packed_;
  int64_t steps_ = 0;
};

/// The shape that a file of weights says, with the dropout that it is to be trained with.
Result<CaptionModelShape> read_shape(const Safetensors& file) {
  const Result<std::string> config = file.metadata_value("config");
  if (!config.ok()) return config.status();
  const Result<std::string> generation = file.metadata_value("generation");
  if (!generation.ok()) return generation.status();
  const Result<std::string> dropout = file.metadata_value("dropout");
  if (!dropout.ok()) return dropout.status();
  const Result<ModelConfig> parsed = parse_model_config(config.value(), generation.value(), file.name());
  if (!parsed.ok()) return parsed.status();
  const nlohmann::json rates = nlohmann::json::parse(dropout.value(), nullptr, /*allow_exceptions=*/false);
  const auto rate = [&](const char* key) { return rates.is_object() ? rates.value(key, -1.0) : -1.0; };
  CaptionModelShape shape = parsed.value().shape;
  shape.patches.block.dropout = shape.text.block.dropout = rate("blocks");
  shape.text.embedding_dropout = rate("embeddings");
  shape.patches.feature_dropout = rate("features");
  for (const double p : {rate("blocks"), rate("embeddings"), rate("features")}) {
    if (!(p >= 0 && p < 1))
      return Status(StatusCode::kCorrupt, file.name() + ": dropout lacks a rate below 1");
  }
  return shape;
}

Result<int> run(const std::vector<std::string>& arguments) {
  const std::string &weights = arguments[0], &batches = arguments[1];
  const Result<Safetensors> model = Safetensors::open(weights);
  if (!model.ok()) return model.status();
  const Result<CaptionModelShape> shape = read_shape(model.value());
  if (!shape.ok()) return shape.status();
  const Result<Safetensors> data = Safetensors::open(batches);
  if (!data.ok()) return data.status();
  const auto parsed = training_batches(data.value(), shape.value());
  if (!parsed.ok()) return parsed.status();
  TrainBench bench(shape.value(), weights, parsed.value());
  return answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::serve(
      argc, argv, {"attend_train_bench WEIGHTS.safetensors BATCHES.safetensors", 2, 2}, attend::bench::run);
}
