#include "decode_requests.h"

#include <optional>
#include <utility>

#include "read_bandwidth.h"

namespace attend::bench {

using nlohmann::json;

Result<json> DecodeRequests::answer(const json& request) {
  const std::string what = request.at("do"), name = request.value("name", "");
  if (what == "facts") return json{{"isa", attend::name(isas().front())}, {"threads", executor_.workers()}};
  if (what == "bandwidth") return bandwidth();
  if (what == "case") return prepare(name, request);
  if (what == "forget") {
    works_.clear();
    return json::object();
  }
  const auto work = works_.find(name);
  if (work == works_.end())
    return Status(StatusCode::kInvalidArgument, "\"" + what + "\" needs a \"case\" first");
  if (what == "decode") return decode(work->second, request.at("heads"));
  if (what != "write") return Status(StatusCode::kInvalidArgument, "there is no request \"" + what + "\"");
  ATTEND_RETURN_IF_ERROR(work->second.write(request.at("path")));
  return json::object();
}

json DecodeRequests::bandwidth() {
  if (!memory_) memory_ = bandwidth_memory();
  return {{"seconds", 1 / read_bandwidth({memory_.get(), kBandwidthMemory}, executor_)}};
}

Result<json> DecodeRequests::prepare(const std::string& name, const json& request) {
  const std::optional<DType> stored = dtype_from_name(request.at("stored"));
  if (!stored) return Status(StatusCode::kInvalidArgument, "stored is no type that there is");
  const Result<Safetensors> file = Safetensors::open(request.at("data"));
  if (!file.ok()) return file.status();
  Result<DecodeNumbers> numbers = DecodeNumbers::read(file.value());
  if (!numbers.ok()) return numbers.status();
  works_.erase(name);  // before the next takes memory
  Result<DecodeWork> made = DecodeWork::create(std::move(numbers).value(),
                                               {.stored = *stored, .keys = request.at("keys")}, executor_);
  if (!made.ok()) return made.status();
  const DecodeWork& work = works_.emplace(name, std::move(made).value()).first->second;
  return json{{"explain", work.explain()}, {"layers", work.layers()}, {"bytes", work.bytes()}};
}

Result<json> DecodeRequests::decode(DecodeWork& work, int64_t heads) {
  Status status;
  const double seconds = seconds_of([&] { status = work.step(heads, executor_); });
  if (!status.ok()) return status;
  return json{{"seconds", seconds / static_cast<double>(work.layers())}};
}

}  // namespace attend::bench
