#include "attention_request.h"

#include <map>
#include <optional>
#include <string>

namespace attend::bench {

Result<AttentionProblem> attention_problem(const nlohmann::json& request) {
  static const std::map<std::string, Causal> kCausal = {
      {"none", Causal::kNone}, {"upper_left", Causal::kUpperLeft}, {"lower_right", Causal::kLowerRight}};
  const std::optional<DType> dtype = dtype_from_name(request.value("dtype", "float32"));
  if (!dtype) return Status(StatusCode::kInvalidArgument, "dtype is none that there is");
  const auto causal = kCausal.find(request.value("causal", "none"));
  if (causal == kCausal.end()) return Status(StatusCode::kInvalidArgument, "causal is none of the three");
  AttentionProblem problem;
  problem.dtype = *dtype;
  problem.options.causal = causal->second;
  problem.options.softcap = request.value("softcap", 0.0f);
  problem.options.dropout = request.value("dropout", 0.0f);
  if (request.contains("window")) problem.options.window = {request["window"].at(0), request["window"].at(1)};
  if (request.contains("results")) problem.results = request["results"].get<std::set<std::string>>();
  return problem;
}

}  // namespace attend::bench
