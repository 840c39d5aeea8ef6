// Our side of the attention benchmark: computes what attention.py asks and says how long it took.
//
//   attend_attention_bench
//
//   {"do": "facts"}                       -> {"isa": "avx2", "threads": 2}
//   {"do": "peak"}                        -> {"flops": F}: multiply-adds of all threads at once, counted as
//   two
//   {"do": "case", "data": FILE, "causal": "none" | "upper_left" | "lower_right"}
//                                         -> {"explain": TEXT, "scratch": bytes, "backward_scratch": bytes}
//   {"do": "forward", "calls": N}         -> {"seconds": of one call}; likewise "backward" and "unfused"
//   {"do": "write", "path": FILE}         -> {}: what forward, backward and unfused computed last
//
// The data are a safetensors file with query, key, value and output_gradient, [B, H, T, width].
#include <omp.h>

#include <map>
#include <memory>
#include <string>

#include "attend/attention.h"
#include "attention_work.h"
#include "checkpoint/safetensors.h"
#include "fma_peak.h"
#include "json_requests.h"

namespace attend::bench {
namespace {

using nlohmann::json;

class AttentionBench {
 public:
  AttentionBench() : executor_(make_openmp_executor()) {}

  Result<json> answer(const json& request) {
    const std::string what = request.at("do");
    if (what == "facts") return json{{"isa", name(isas().front())}, {"threads", omp_get_max_threads()}};
    if (what == "peak") return json{{"flops", peak()}};
    if (what == "case") return prepare(request);
    if (!work_) return Status(StatusCode::kInvalidArgument, "\"" + what + "\" needs a \"case\" first");
    if (what == "write") return write(request.at("path"));
    return time(what, request.at("calls"));
  }

 private:
  double peak() {
    std::vector<double> of_worker(static_cast<size_t>(executor_->workers()));
    executor_->for_each(executor_->workers(), [&](int64_t i, int) {
      of_worker[static_cast<size_t>(i)] = fma_peak(isas().front());
    });
    double sum = 0;
    for (const double flops : of_worker) sum += flops;
    return sum;
  }

  Result<json> prepare(const json& request) {
    static const std::map<std::string, Causal> kCausal = {
        {"none", Causal::kNone}, {"upper_left", Causal::kUpperLeft}, {"lower_right", Causal::kLowerRight}};
    const auto causal = kCausal.find(request.at("causal"));
    if (causal == kCausal.end()) return Status(StatusCode::kInvalidArgument, "causal is none of the three");
    const Result<Safetensors> data = Safetensors::open(request.at("data"));
    if (!data.ok()) return data.status();
    Result<std::unique_ptr<AttentionWork>> work = AttentionWork::read(data.value(), causal->second);
    if (!work.ok()) return work.status();
    work_ = std::move(work).value();
    return json{{"explain", work_->explain()},
                {"scratch", work_->scratch_bytes(executor_->workers())},
                {"backward_scratch", work_->backward_scratch_bytes(executor_->workers())}};
  }

  Result<json> time(const std::string& what, int64_t calls) {
    Status status;
    const auto repeat = [&](auto&& call) {
      return seconds_of([&] {
        for (int64_t i = 0; i < calls && status.ok(); ++i) status = call();
      });
    };
    double seconds = 0;
    if (what == "forward") {
      seconds = repeat([&] { return work_->forward(*executor_); });
    } else if (what == "backward") {
      seconds = repeat([&] { return work_->backward(*executor_); });
    } else if (what == "unfused") {
      seconds = repeat([&] { return work_->unfused(); });
    } else {
      return Status(StatusCode::kInvalidArgument, "there is no request \"" + what + "\"");
    }
    if (!status.ok()) return status;
    return json{{"seconds", seconds / static_cast<double>(calls)}};
  }

  Result<json> write(const std::string& path) {
    ATTEND_RETURN_IF_ERROR(work_->write(path));
    return json::object();
  }

  std::unique_ptr<Executor> executor_;
  std::unique_ptr<AttentionWork> work_;
};

}  // namespace
}  // namespace attend::bench

int main() {
  attend::bench::AttentionBench bench;
  return attend::bench::answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}
