// The one place that knows which oneDNN this is. Debian 12 has 2.6, newer systems 3.x, which builds primitive
// descriptors in one step and moved the scale of a post-operation. Include it from .cc files only: oneDNN
// does not appear in the interface of any layer.
#ifndef ATTEND_NN_ONEDNN_H_
#define ATTEND_NN_ONEDNN_H_

#include <cstdint>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>

#include "attend/status.h"

namespace attend::onednn {

/// The CPU, made once; safe to use from any thread.
inline const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// Runs `make`, which returns a Result<T>, and turns what oneDNN throws into a Status that begins with
/// `what`.
template <class Make>
auto guarded(const char* what, Make&& make) -> decltype(make()) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    const StatusCode code = error.status == dnnl_out_of_memory   ? StatusCode::kOutOfMemory
                            : error.status == dnnl_unimplemented ? StatusCode::kUnsupported
                                                                 : StatusCode::kInvalidArgument;
    return Status(code, std::string(what) + ": oneDNN: " + error.what());
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, std::string(what) + ": out of memory");
  }
}

/// Attributes with scratch memory given by the caller, so that primitives may run on any thread.
inline dnnl::primitive_attr attributes(const dnnl::post_ops& post_ops) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_post_ops(post_ops);
  return attr;
}

inline void append_clip(dnnl::post_ops& post_ops, float low, float high) {
#if DNNL_VERSION_MAJOR >= 3
  post_ops.append_eltwise(dnnl::algorithm::eltwise_clip, low, high);
#else
  post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, low, high);
#endif
}

/// The operands of an inference convolution.
struct Window {
  dnnl::memory::dims kernel, strides, padding_low, padding_high;
};

inline dnnl::convolution_forward::primitive_desc convolution(
    const dnnl::memory::desc& source, const dnnl::memory::desc& weights, const dnnl::memory::desc& bias,
    const dnnl::memory::desc& destination, const Window& window, const dnnl::primitive_attr& attr) {
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(),
          kKind,
          kAlgorithm,
          source,
          weights,
          bias,
          destination,
          window.strides,
          window.padding_low,
          window.padding_high,
          attr};
#else
  return {{kKind, kAlgorithm, source, weights, bias, destination, window.strides, window.padding_low,
           window.padding_high},
          attr,
          cpu()};
#endif
}

/// destination [m, n] = left [m, k] right [k, n], after which the attributes' post-operations act.
inline dnnl::matmul::primitive_desc matmul(const dnnl::memory::desc& left, const dnnl::memory::desc& right,
                                           const dnnl::memory::desc& destination,
                                           const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), left, right, destination, attr};
#else
  return {{left, right, destination}, attr, cpu()};
#endif
}

}  // namespace attend::onednn

#endif  // ATTEND_NN_ONEDNN_H_
