#include "attention_work.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace attend::bench {

AttentionWork::Numbers::Numbers(const Shape& s)
    : shape(s), memory(allocate_aligned(static_cast<size_t>(size()) * sizeof(float))) {
  std::fill_n(data(), size(), 0.0f);
}

Result<AttentionWork::Numbers> AttentionWork::read_tensor(const Safetensors& data, const std::string& name) {
  const Result<std::vector<int64_t>> shape = data.shape(name);
  if (!shape.ok()) return shape.status();
  if (shape.value().size() != 4) {
    return Status(StatusCode::kCorrupt, data.name() + ": " + name + " has " +
                                            std::to_string(shape.value().size()) + " axes, not 4");
  }
  Shape axes{};
  std::copy(shape.value().begin(), shape.value().end(), axes.begin());
  Numbers numbers(axes);
  ATTEND_RETURN_IF_ERROR(
      data.read(name, shape.value(), {numbers.data(), static_cast<size_t>(numbers.size())}));
  return numbers;
}

Result<std::unique_ptr<AttentionWork>> AttentionWork::read(const Safetensors& data, Causal causal) {
  auto work = std::make_unique<AttentionWork>();
  const std::pair<const char*, Numbers*> operands[] = {{"query", &work->query_},
                                                       {"key", &work->key_},
                                                       {"value", &work->value_},
                                                       {"output_gradient", &work->output_gradient_}};
  for (const auto& [name, numbers] : operands) {
    Result<Numbers> read = read_tensor(data, name);
    if (!read.ok()) return read.status();
    *numbers = std::move(read).value();
  }
  work->options_.causal = causal;
  work->connect();
  return work;
}

/// Makes room for the results and points the calls' operands at it all.
void AttentionWork::connect() {
  const Shape& q = query_.shape;
  output_ = Numbers({q[0], q[1], q[2], value_.shape[3]});
  lse_ = Numbers({q[0], q[1], q[2], 1});
  query_gradient_ = Numbers(q);
  key_gradient_ = Numbers(key_.shape);
  value_gradient_ = Numbers(value_.shape);
  forward_ = {query_.view(), key_.view(), value_.view(), output_.view(), lse_.view(), {}};
  backward_ = {query_.view(),          key_.view(),          value_.view(),
               output_.view(),         lse_.view(),          output_gradient_.view(),
               query_gradient_.view(), key_gradient_.view(), value_gradient_.view()};
}

Status AttentionWork::unfused() {
  if (options_.causal != Causal::kNone || key_.shape[1] != query_.shape[1]) {
    return {StatusCode::kUnsupported, "the unfused path knows neither masks nor groups"};
  }
  if (!unfused_) {
    unfused_output_ = Numbers(output_.shape);
    unfused_ = std::make_unique<UnfusedAttention>(forward_, unfused_output_.data());
  }
  unfused_->run();
  return {};
}

Status AttentionWork::write(const std::string& path) const {
  const std::pair<const char*, const Numbers*> results[] = {{"output", &output_},
                                                            {"lse", &lse_},
                                                            {"query_gradient", &query_gradient_},
                                                            {"key_gradient", &key_gradient_},
                                                            {"value_gradient", &value_gradient_},
                                                            {"unfused", &unfused_output_}};
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, numbers] : results) {
    if (!numbers->memory) continue;
    tensors.push_back({name,
                       {numbers->shape.begin(), numbers->shape.end()},
                       {numbers->data(), static_cast<size_t>(numbers->size())}});
  }
  return write_safetensors(path, tensors, {});
}

}  // namespace attend::bench
