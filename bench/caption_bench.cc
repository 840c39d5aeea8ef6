// Our side of the captioning benchmark: does one stage of captioning a photo when asked, and says how long it
// took.
//
//   attend_caption_bench MODEL.safetensors
//
//   {"do": "load" | "encode" | "decode" | "both" | "caption", "path": "photo.jpg"}
//       -> {"seconds": S, "words": [ids], "log_probability": L}, the last two where something was said
//   {"do": "facts"}
//       -> {"isa": "avx2", "threads": 2}
//
// load: file to the square of pixels that the encoder sees; encode: to patch features; decode: keys and
// values of the photo, and beam search; both: encode and decode; caption: all three.
#include <omp.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/isa.h"
#include "captioner/model_file.h"
#include "captioner/photo_to_patches.h"
#include "json_requests.h"
#include "language/generation.h"
#include "vision/photo.h"

namespace attend::bench {
namespace {

/// What is kept of a photo, so that each stage can be timed alone.
struct Stages {
  Photo square;
  std::vector<float> features;  // [patches, features]
};

class CaptionBench {
 public:
  explicit CaptionBench(LoadedModel model) : model_(std::move(model)), executor_(make_openmp_executor()) {}

  Result<nlohmann::json> answer(const nlohmann::json& request) {
    const std::string what = request.at("do");
    if (what == "facts")
      return nlohmann::json{{"isa", name(isas().front())}, {"threads", omp_get_max_threads()}};
    return run(what, request.at("path"));
  }

 private:
  Result<nlohmann::json> run(const std::string& what, const std::string& path) {
    const bool load = what == "load" || what == "caption";
    const bool encode = what == "encode" || what == "both" || what == "caption";
    const bool decode = what == "decode" || what == "both" || what == "caption";
    if (!load && !encode && !decode) {
      return Status(StatusCode::kInvalidArgument, "there is no request \"" + what + "\"");
    }
    if (!photos_.contains(path)) {
      ATTEND_RETURN_IF_ERROR(load_square(path));
      ATTEND_RETURN_IF_ERROR(encode_square(photos_[path]));
    }
    Status status;
    SpokenSentence sentence;
    const double seconds = seconds_of([&] {
      if (load) status = load_square(path);
      if (status.ok() && encode) status = encode_square(photos_[path]);
      if (status.ok() && decode) sentence = say(photos_[path]);
    });
    ATTEND_RETURN_IF_ERROR(status);
    nlohmann::json answer = {{"seconds", seconds}};
    if (decode) {
      answer["words"] = ids(sentence);
      answer["log_probability"] = sentence.log_probability;
    }
    return answer;
  }

  Status load_square(const std::string& path) {
    const Result<Photo> photo = load_photo(path);
    if (!photo.ok()) return photo.status();
    photos_[path].square = to_square(photo.value(), model_.config.squares);
    return {};
  }

  Status encode_square(Stages& stages) {
    const PatchEncoderShape& shape = model_.config.shape.patches;
    const int64_t patches = int64_t{shape.grid} * shape.grid;
    stages.features.resize(static_cast<size_t>(patches * shape.features));
    return model_.encoder.encode(stages.square, {stages.features.data(), patches, shape.features});
  }

  SpokenSentence say(const Stages& stages) const {
    const PatchEncoderShape& shape = model_.config.shape.patches;
    const ConstMatrix<float> features = {stages.features.data(), int64_t{shape.grid} * shape.grid,
                                         shape.features};
    const std::unique_ptr<NextWord> next = look_at(model_.model, features, *executor_);
    return generate(*next, SpecialWords{}, model_.config.generation).front().front();
  }

  static std::vector<int32_t> ids(const SpokenSentence& sentence) {
    std::vector<int32_t> ids;
    for (const SpokenWord& word : sentence.words) ids.push_back(word.id);
    return ids;
  }

  LoadedModel model_;
  std::unique_ptr<Executor> executor_;
  std::map<std::string, Stages> photos_;
};

Result<int> run(const std::vector<std::string>& arguments) {
  Result<LoadedModel> model = load_model(arguments[0]);
  if (!model.ok()) return model.status();
  CaptionBench bench(std::move(model).value());
  return answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::serve(argc, argv, {"attend_caption_bench MODEL.safetensors", 1, 1},
                              attend::bench::run);
}
