// Our side of the benchmark of published checkpoints: captions a photo when asked, and says how long it took.
//
//   attend_published_bench FOLDER [stored|bf16|int8]
//
//   {"path": "photo.jpg", "beam": B, "max_length": L}   -> {"seconds": S, "tokens": [ids]}
//   {"do": "facts"}                                      -> {"isa": "avx2", "threads": 2}
//
// The photo is decoded before the clock starts, and once for all requests; what is timed begins with its
// pixels.
#include <omp.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "attend/captioner.h"
#include "attend/isa.h"
#include "json_requests.h"
#include "vision/photo.h"

namespace attend::bench {
namespace {

WeightPrecision precision_named(std::string_view name) {
  return name == "bf16"   ? WeightPrecision::kBFloat16
         : name == "int8" ? WeightPrecision::kInt8
                          : WeightPrecision::kAsStored;
}

class PublishedBench {
 public:
  explicit PublishedBench(Captioner captioner) : captioner_(std::move(captioner)) {}

  Result<nlohmann::json> answer(const nlohmann::json& request) {
    if (request.contains("do")) {
      return nlohmann::json{{"isa", name(isas().front())}, {"threads", omp_get_max_threads()}};
    }
    const std::string path = request.at("path");
    if (!photos_.contains(path)) {
      Result<Photo> photo = load_photo(path, captioner_.longest_side());
      if (!photo.ok()) return photo.status();
      photos_[path] = std::move(photo).value();
    }
    CaptionOptions options;
    options.beam = request.at("beam").get<int>();
    options.max_words = request.at("max_length").get<int>();
    Result<Caption> caption = Status();
    const double seconds = seconds_of([&] { caption = captioner_.caption(photos_[path], options); });
    if (!caption.ok()) return caption.status();
    return nlohmann::json{{"seconds", seconds}, {"tokens", caption.value().tokens}};
  }

 private:
  Captioner captioner_;
  std::map<std::string, Photo> photos_;
};

Result<int> run(const std::vector<std::string>& arguments) {
  const std::unique_ptr<Executor> executor = make_openmp_executor();
  Result<Captioner> captioner = Captioner::load(
      arguments[0], *executor, precision_named(arguments.size() > 1 ? arguments[1] : "stored"));
  if (!captioner.ok()) return captioner.status();
  PublishedBench bench(std::move(captioner).value());
  return answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}

}  // namespace
}  // namespace attend::bench

int main(int argc, char** argv) {
  return attend::bench::serve(argc, argv, {"attend_published_bench FOLDER [stored|bf16|int8]", 1, 2},
                              attend::bench::run);
}
