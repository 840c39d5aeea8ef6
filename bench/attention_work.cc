#include "attention_work.h"

#include <utility>
#include <vector>

namespace attend::bench {

Result<std::unique_ptr<AttentionWork>> AttentionWork::read(const Safetensors& data,
                                                           AttentionProblem problem) {
  static const std::set<std::string> kResults = {"lse", "weights", "head_mean", "column_sums",
                                                 "bias_gradient"};
  for (const std::string& result : problem.results) {
    if (!kResults.contains(result))
      return Status(StatusCode::kInvalidArgument, "there is no result \"" + result + "\"");
  }
  auto work = std::make_unique<AttentionWork>();
  work->problem_ = std::move(problem);
  ATTEND_RETURN_IF_ERROR(work->read_operands(data));
  work->make_results();
  work->connect();
  return work;
}

Status AttentionWork::read_operands(const Safetensors& data) {
  struct Operand {
    const char* name;
    Numbers* numbers;
    DType dtype;
    bool required = true;
  };
  const DType dtype = problem_.dtype;
  const Operand operands[] = {{"query", &query_, dtype},
                              {"key", &key_, dtype},
                              {"value", &value_, dtype},
                              {"output_gradient", &output_gradient_, dtype},
                              {"mask", &mask_, DType::kBool, false},
                              {"bias", &bias_, DType::kFloat32, false},
                              {"alibi_slopes", &alibi_slopes_, DType::kFloat32, false}};
  for (const Operand& operand : operands) {
    if (!operand.required && !data.contains(operand.name)) continue;
    Result<Numbers> read = Numbers::read(data, operand.name, operand.dtype);
    if (!read.ok()) return read.status();
    *operand.numbers = std::move(read).value();
  }
  problem_.options.mask = mask_.view();
  problem_.options.bias = bias_.view();
  problem_.options.alibi_slopes = alibi_slopes_.view();
  return {};
}

void AttentionWork::make_results() {
  const auto [B, Hq, Tq, D] = query_.shape();
  const int64_t Tk = key_.shape()[2], Dv = value_.shape()[3];
  const std::set<std::string>& asked = problem_.results;
  output_ = Numbers({B, Hq, Tq, Dv}, problem_.dtype);
  if (asked.contains("lse")) lse_ = Numbers({B, Hq, Tq, 1});
  if (asked.contains("weights")) weights_ = Numbers({B, Hq, Tq, Tk});
  if (asked.contains("head_mean")) head_mean_ = Numbers({B, 1, Tq, Tk});
  if (asked.contains("column_sums")) column_sums_ = Numbers({B, Hq, 1, Tk});
  query_gradient_ = Numbers(query_.shape(), problem_.dtype);
  key_gradient_ = Numbers(key_.shape(), problem_.dtype);
  value_gradient_ = Numbers(value_.shape(), problem_.dtype);
  if (asked.contains("bias_gradient")) bias_gradient_ = Numbers(bias_.shape());
}

/// Points the calls' operands at what was read and made.
void AttentionWork::connect() {
  forward_ = {query_.view(), key_.view(),     value_.view(),     output_.view(),
              lse_.view(),   weights_.view(), head_mean_.view(), column_sums_.view()};
  backward_ = {query_.view(),          key_.view(),          value_.view(),
               output_.view(),         lse_.view(),          output_gradient_.view(),
               query_gradient_.view(), key_gradient_.view(), value_gradient_.view(),
               bias_gradient_.view()};
}

Status AttentionWork::unfused() {
  const AttentionOptions& options = problem_.options;
  if (problem_.dtype != DType::kFloat32 || options.causal != Causal::kNone || options.mask.present() ||
      options.bias.present() || key_.shape()[1] != query_.shape()[1]) {
    return {StatusCode::kUnsupported,
            "the unfused path knows neither 16-bit types, masks, biases nor groups"};
  }
  if (!unfused_) {
    unfused_output_ = Numbers(output_.shape());
    unfused_ = std::make_unique<UnfusedAttention>(forward_, unfused_output_.floats());
  }
  unfused_->run();
  return {};
}

Status AttentionWork::write(const std::string& path) const {
  const std::pair<const char*, const Numbers*> results[] = {{"output", &output_},
                                                            {"lse", &lse_},
                                                            {"weights", &weights_},
                                                            {"head_mean", &head_mean_},
                                                            {"column_sums", &column_sums_},
                                                            {"query_gradient", &query_gradient_},
                                                            {"key_gradient", &key_gradient_},
                                                            {"value_gradient", &value_gradient_},
                                                            {"bias_gradient", &bias_gradient_},
                                                            {"unfused", &unfused_output_}};
  std::vector<std::vector<float>> values;
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, numbers] : results) {
    if (!numbers->present()) continue;
    values.push_back(numbers->widened());
    tensors.push_back({name, {numbers->shape().begin(), numbers->shape().end()}, values.back()});
  }
  return write_safetensors(path, tensors, {});
}

}  // namespace attend::bench
