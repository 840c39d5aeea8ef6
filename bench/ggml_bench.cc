// ggml's side of decoding: the same tokens in float16 caches, read by its fused attention. Built only where
// ATTEND_GGML names an installed ggml.
//
//   attend_ggml_bench
//
//   {"do": "facts"}                              -> {"version": TEXT, "threads": N}
//   {"do": "case", "data": FILE, "keys": N}      -> {"layers": N}
//   {"do": "decode", "heads": Hq}                -> {"seconds": of a token through one layer}
//   {"do": "write", "path": FILE}                -> {}: "output" [B, Hq, 1, Dv] of the last decode
//   {"do": "forget"}                             -> {}: the case
//
// The data are those of decode_requests.h.
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/half.h"
#include "checkpoint/safetensors.h"
#include "decode_numbers.h"
#include "json_requests.h"
#include "numbers.h"

namespace attend::bench {
namespace {

using nlohmann::json;

struct Free {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr size_t kGraphNodes = 2048;

/// As many layers as layers_of() says, one graph of them for each number of query heads.
class GgmlLayers {
 public:
  static Result<std::unique_ptr<GgmlLayers>> create(const DecodeNumbers& numbers, int64_t keys,
                                                    ggml_backend* backend) {
    auto layers = std::make_unique<GgmlLayers>();
    layers->backend_ = backend;
    layers->context_.reset(ggml_init({4 * kGraphNodes * ggml_tensor_overhead(), nullptr, true}));
    layers->make_tensors(numbers, keys);
    layers->buffer_.reset(ggml_backend_alloc_ctx_tensors(layers->context_.get(), backend));
    if (!layers->buffer_) return Status(StatusCode::kOutOfMemory, "ggml has no memory for the caches");
    layers->fill(numbers);
    return layers;
  }

  int64_t count() const { return static_cast<int64_t>(keys_.size()); }

  Status decode(int64_t heads) {
    if (!graphs_.contains(heads)) make_graph(heads);
    if (ggml_backend_graph_compute(backend_, graphs_[heads].graph) != GGML_STATUS_SUCCESS)
      return {StatusCode::kUnsupported, "ggml did not compute the graph"};
    last_ = heads;
    return {};
  }

  Status write(const std::string& path) const {
    const ggml_tensor* output = ggml_graph_node(graphs_.at(last_).graph, -1);  // of the last layer
    std::vector<float> values(static_cast<size_t>(ggml_nelements(output)));
    ggml_backend_tensor_get(output, values.data(), 0, values.size() * sizeof(float));
    // ggml's axes, fastest first: [Dv, Hq, Tq, B], of which Tq is 1.
    const TensorToWrite tensor = {"output", {output->ne[3], output->ne[1], 1, output->ne[0]}, values};
    return write_safetensors(path, {&tensor, 1}, {});
  }

 private:
  struct Graph {
    Owned<ggml_context> context;
    Owned<ggml_backend_buffer> buffer;
    ggml_cgraph* graph = nullptr;
  };

  void make_tensors(const DecodeNumbers& numbers, int64_t keys) {
    const Shape &q = numbers.query.shape(), &k = numbers.key.shape(), &v = numbers.value.shape();
    const int64_t bytes = 2 * q[0] * k[1] * keys * (k[3] + v[3]);
    query_ = ggml_new_tensor_4d(context_.get(), GGML_TYPE_F32, q[3], 1, q[1], q[0]);
    for (int64_t i = 0; i < layers_of(bytes); ++i) {
      keys_.push_back(ggml_new_tensor_4d(context_.get(), GGML_TYPE_F16, k[3], keys, k[1], q[0]));
      values_.push_back(ggml_new_tensor_4d(context_.get(), GGML_TYPE_F16, v[3], keys, v[1], q[0]));
    }
  }

  void fill(const DecodeNumbers& numbers) {
    ggml_backend_tensor_set(query_, numbers.query.floats(), 0, ggml_nbytes(query_));
    for (size_t i = 0; i < keys_.size(); ++i) {
      repeat(numbers.key, keys_[i]);
      repeat(numbers.value, values_[i]);
    }
  }

  /// The tokens of each head over and over, the same in every sequence.
  static void repeat(const Numbers& tokens, ggml_tensor* cache) {
    const int64_t width = cache->ne[0], keys = cache->ne[1], heads = cache->ne[2];
    std::vector<uint16_t> halves(static_cast<size_t>(tokens.count()));
    floats_to_halves({tokens.floats(), halves.size()}, halves);
    const int64_t of_head = tokens.shape()[2] * width;
    for (int64_t row = 0; row < heads * cache->ne[3]; ++row) {
      for (int64_t at = 0; at < keys * width; at += of_head) {
        const auto count = static_cast<size_t>(std::min(of_head, keys * width - at));
        ggml_backend_tensor_set(cache, halves.data() + row % heads * of_head,
                                static_cast<size_t>(row * keys * width + at) * sizeof(uint16_t),
                                count * sizeof(uint16_t));
      }
    }
  }

  void make_graph(int64_t heads) {
    Graph& made = graphs_[heads];
    made.context.reset(
        ggml_init({kGraphNodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(kGraphNodes, false),
                   nullptr, true}));
    ggml_context* context = made.context.get();
    made.graph = ggml_new_graph_custom(context, kGraphNodes, false);
    ggml_tensor* query = ggml_view_4d(context, query_, query_->ne[0], 1, heads, query_->ne[3], query_->nb[1],
                                      query_->nb[2], query_->nb[3], 0);
    const float scale = 1 / std::sqrt(static_cast<float>(query_->ne[0]));
    for (size_t i = 0; i < keys_.size(); ++i) {
      ggml_build_forward_expand(
          made.graph, ggml_flash_attn_ext(context, query, keys_[i], values_[i], nullptr, scale, 0, 0));
    }
    made.buffer.reset(ggml_backend_alloc_ctx_tensors(context, backend_));
  }

  ggml_backend* backend_ = nullptr;
  Owned<ggml_context> context_;
  Owned<ggml_backend_buffer> buffer_;
  ggml_tensor* query_ = nullptr;             // [D, 1, Hq, B] in ggml's order, fastest first
  std::vector<ggml_tensor*> keys_, values_;  // [D, keys, Hkv, B] of each layer
  std::map<int64_t, Graph> graphs_;          // by query heads
  int64_t last_ = 0;
};

class GgmlBench {
 public:
  GgmlBench() : backend_(ggml_backend_cpu_init()) {
    ggml_backend_cpu_set_n_threads(backend_.get(), omp_get_max_threads());
  }

  Result<json> answer(const json& request) {
    const std::string what = request.at("do");
    if (what == "facts") return json{{"version", ggml_version()}, {"threads", omp_get_max_threads()}};
    if (what == "case") return prepare(request);
    if (what == "forget") {
      layers_.reset();
      return json::object();
    }
    if (!layers_) return Status(StatusCode::kInvalidArgument, "\"" + what + "\" needs a \"case\" first");
    if (what == "decode") return decode(request.at("heads"));
    if (what != "write") return Status(StatusCode::kInvalidArgument, "there is no request \"" + what + "\"");
    ATTEND_RETURN_IF_ERROR(layers_->write(request.at("path")));
    return json::object();
  }

 private:
  Result<json> prepare(const json& request) {
    const Result<Safetensors> file = Safetensors::open(request.at("data"));
    if (!file.ok()) return file.status();
    Result<DecodeNumbers> numbers = DecodeNumbers::read(file.value());
    if (!numbers.ok()) return numbers.status();
    layers_.reset();  // before the next takes memory
    Result<std::unique_ptr<GgmlLayers>> layers =
        GgmlLayers::create(numbers.value(), request.at("keys"), backend_.get());
    if (!layers.ok()) return layers.status();
    layers_ = std::move(layers).value();
    return json{{"layers", layers_->count()}};
  }

  Result<json> decode(int64_t heads) {
    Status status;
    const double seconds = seconds_of([&] { status = layers_->decode(heads); });
    if (!status.ok()) return status;
    return json{{"seconds", seconds / static_cast<double>(layers_->count())}};
  }

  Owned<ggml_backend> backend_;
  std::unique_ptr<GgmlLayers> layers_;
};

}  // namespace
}  // namespace attend::bench

int main() {
  attend::bench::GgmlBench bench;
  return attend::bench::answer_requests([&](const nlohmann::json& request) { return bench.answer(request); });
}
