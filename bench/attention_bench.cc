// Our side of the attention benchmark: computes what attention.py asks and says how long it took.
//
//   attend_attention_bench
//
//   {"do": "facts"}                       -> {"isa": "avx2", "threads": 2}
//   {"do": "peak"}                        -> {"flops": F}: multiply-adds of all threads at once, as two each
//   {"do": "case", "data": FILE, ...}     -> {"explain": TEXT, "scratch": bytes, "backward_scratch": bytes}
//   {"do": "forward", "calls": N}         -> {"seconds": of one call}; likewise "backward" and "unfused"
//   {"do": "memory", "of": "forward"}     -> {"bytes": what the process held more during a call than before}
//   {"do": "write", "path": FILE}         -> {}: what forward, backward and unfused computed last
//   {"do": "forget"}                      -> {}: all cases
//
// A case may have a "name", by which the requests after it ask for it: several are kept side by side. Its
// other fields are those of attention_request.h; its data a safetensors file with query, key, value and
// output_gradient, [B, H, T, width], and mask, bias or alibi_slopes if they are to be used.
#include <omp.h>

#include <map>
#include <memory>
#include <string>

#include "attend/attention.h"
#include "attention_request.h"
#include "attention_work.h"
#include "checkpoint/safetensors.h"
#include "fma_peak.h"
#include "json_requests.h"
#include "resident_memory.h"

namespace attend::bench {
namespace {

using nlohmann::json;

Status unknown_request(const std::string& what) {
  return {StatusCode::kInvalidArgument, "there is no request \"" + what + "\""};
}

class AttentionBench {
 public:
  AttentionBench() : executor_(make_openmp_executor()) {}

  Result<json> answer(const json& request) {
    const std::string what = request.at("do"), name = request.value("name", "");
    if (what == "facts")
      return json{{"isa", attend::name(isas().front())}, {"threads", omp_get_max_threads()}};
    if (what == "peak") return json{{"flops", peak()}};
    if (what == "case") return prepare(name, request);
    if (what == "forget") return forget();
    const auto work = works_.find(name);
    if (work == works_.end())
      return Status(StatusCode::kInvalidArgument, "\"" + what + "\" needs a \"case\" first");
    if (what == "write") return write(*work->second, request.at("path"));
    if (what == "memory") return memory(*work->second, request.at("of"));
    return time(*work->second, what, request.at("calls"));
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

  Result<json> prepare(const std::string& name, const json& request) {
    Result<AttentionProblem> problem = attention_problem(request);
    if (!problem.ok()) return problem.status();
    const Result<Safetensors> data = Safetensors::open(request.at("data"));
    if (!data.ok()) return data.status();
    works_.erase(name);  // before the next takes memory
    Result<std::unique_ptr<AttentionWork>> read =
        AttentionWork::read(data.value(), std::move(problem).value());
    if (!read.ok()) return read.status();
    const AttentionWork& work = *(works_[name] = std::move(read).value());
    return json{{"explain", work.explain()},
                {"scratch", work.scratch_bytes(executor_->workers())},
                {"backward_scratch", work.backward_scratch_bytes(executor_->workers())}};
  }

  Result<json> forget() {
    works_.clear();
    return json::object();
  }

  Status compute(AttentionWork& work, const std::string& what) {
    if (what == "forward") return work.forward(*executor_);
    if (what == "backward") return work.backward(*executor_);
    if (what == "unfused") return work.unfused();
    return unknown_request(what);
  }

  Result<json> time(AttentionWork& work, const std::string& what, int64_t calls) {
    Status status;
    const double seconds = seconds_of([&] {
      for (int64_t i = 0; i < calls && status.ok(); ++i) status = compute(work, what);
    });
    if (!status.ok()) return status;
    return json{{"seconds", seconds / static_cast<double>(calls)}};
  }

  Result<json> memory(AttentionWork& work, const std::string& what) {
    executor_->for_each(executor_->workers(), [](int64_t, int) {});  // threads' stacks are not the call's
    if (!forget_resident_peak())
      return Status(StatusCode::kUnsupported, "this system does not measure peaks of memory");
    const int64_t before = resident_memory().now;
    ATTEND_RETURN_IF_ERROR(compute(work, what));
    return json{{"bytes", resident_memory().peak - before}};
  }

  static Result<json> write(const AttentionWork& work, const std::string& path) {
    ATTEND_RETURN_IF_ERROR(work.write(path));
    return json::object();
  }

  std::unique_ptr<Executor> executor_;
  std::map<std::string, std::unique_ptr<AttentionWork>> works_;
};

}  // namespace
}  // namespace attend::bench

int main() {
  attend::bench::AttentionBench bench;
  return attend::bench::answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}
