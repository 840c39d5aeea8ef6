#include "unfused_attention.h"

#include <cmath>
#include <dnnl.hpp>
#include <unordered_map>

namespace attend::bench {
namespace {

using dnnl::memory;

memory::desc dense(const memory::dims& dims) {
  return {dims, memory::data_type::f32, memory::format_tag::abc};
}

}  // namespace

struct UnfusedAttention::Primitives {
  using Arguments = std::unordered_map<int, memory>;

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::matmul scores, output;
  dnnl::softmax_forward softmax;
  Arguments scores_arguments, softmax_arguments, output_arguments;

  memory bind(const memory::desc& desc, const void* data) { return {desc, engine, const_cast<void*>(data)}; }
};

UnfusedAttention::UnfusedAttention(const AttentionTensors& t, float* output)
    : primitives_(std::make_unique<Primitives>()) {
  Primitives& p = *primitives_;
  const int64_t heads = t.query.shape[0] * t.query.shape[1], Tq = t.query.shape[2], Tk = t.key.shape[2],
                D = t.query.shape[3], Dv = t.value.shape[3];
  const memory::desc query = dense({heads, Tq, D}), value = dense({heads, Tk, Dv}),
                     weights = dense({heads, Tq, Tk}), out = dense({heads, Tq, Dv});
  const memory::desc key({heads, D, Tk}, memory::data_type::f32, memory::format_tag::acb);  // transposed

  dnnl::primitive_attr scaled;
  scaled.set_output_scales(0, {static_cast<float>(1 / std::sqrt(static_cast<double>(D)))});
  p.scores = dnnl::matmul({{query, key, weights}, scaled, p.engine});
  p.softmax = dnnl::softmax_forward({{dnnl::prop_kind::forward_inference, weights, 2}, p.engine});
  p.output = dnnl::matmul({{weights, value, out}, p.engine});

  const memory between(weights, p.engine);
  p.scores_arguments = {{DNNL_ARG_SRC, p.bind(query, t.query.data)},
                        {DNNL_ARG_WEIGHTS, p.bind(key, t.key.data)},
                        {DNNL_ARG_DST, between}};
  p.softmax_arguments = {{DNNL_ARG_SRC, between}, {DNNL_ARG_DST, between}};
  p.output_arguments = {{DNNL_ARG_SRC, between},
                        {DNNL_ARG_WEIGHTS, p.bind(value, t.value.data)},
                        {DNNL_ARG_DST, p.bind(out, output)}};
}

UnfusedAttention::~UnfusedAttention() = default;

void UnfusedAttention::run() {
  Primitives& p = *primitives_;
  p.scores.execute(p.stream, p.scores_arguments);
  p.softmax.execute(p.stream, p.softmax_arguments);
  p.output.execute(p.stream, p.output_arguments);
  p.stream.wait();
}

}  // namespace attend::bench
