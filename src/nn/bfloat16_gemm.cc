#include "nn/bfloat16_gemm.h"

#include <unordered_map>

#include "nn/gemm.h"
#include "nn/onednn.h"

namespace attend {
namespace {

using dnnl::memory;

dnnl::stream& stream() {
  thread_local dnnl::stream s(onednn::cpu());
  return s;
}

// op(m) as oneDNN sees it: [rows, cols] with the strides of the matrix or of its transpose.
memory::desc desc(int64_t rows, int64_t cols, Transpose transpose, memory::data_type type) {
  return {{rows, cols}, type, transpose == Transpose::kYes ? memory::dims{1, rows} : memory::dims{cols, 1}};
}

// op(m), rounded to nearest even into the arena without changing the order of its elements.
memory rounded(ConstMatrix<float> m, Transpose transpose, Arena& arena) {
  const bool across = transpose == Transpose::kYes;
  const int64_t rows = across ? m.cols : m.rows, cols = across ? m.rows : m.cols;
  memory from(desc(rows, cols, transpose, memory::data_type::f32), onednn::cpu(), const_cast<float*>(m.data));
  memory to(desc(rows, cols, transpose, memory::data_type::bf16), onednn::cpu(),
            arena.array<uint16_t>(m.size()).data());
  dnnl::reorder(from, to).execute(stream(), from, to);
  return to;
}

}  // namespace

bool has_bfloat16_products() {
  static const bool has = [] {
    constexpr int kNeeded = static_cast<int>(dnnl::cpu_isa::avx512_core_bf16);  // a set of bits
    return (static_cast<int>(dnnl::get_effective_cpu_isa()) & kNeeded) == kNeeded;
  }();
  return has;
}

Status multiply_bfloat16(const Product<float>& product, Arena& arena) {
  return onednn::guarded("gemm", [&]() -> Status {
    const Arena::Mark mark(arena);
    const memory a = rounded(product.a, product.transpose_a, arena);
    const memory b = rounded(product.b, product.transpose_b, arena);
    const Matrix<float>& c = product.c;
    const memory to(desc(c.rows, c.cols, Transpose::kNo, memory::data_type::f32), onednn::cpu(), c.data);
    dnnl::post_ops post_ops;
    if (product.accumulate == Accumulate::kYes) post_ops.append_sum(1.0f);
    // oneDNN keeps what it compiled for a shape in a cache of its own, so that making the primitive again is
    // cheap.
    const auto plan = onednn::matmul(a.get_desc(), b.get_desc(), to.get_desc(), onednn::attributes(post_ops));
    const size_t bytes = plan.scratchpad_desc().get_size();
    const memory scratch(plan.scratchpad_desc(), onednn::cpu(),
                         arena.array<std::byte>(static_cast<int64_t>(bytes)).data());
    const std::unordered_map<int, memory> operands = {
        {DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, to}, {DNNL_ARG_SCRATCHPAD, scratch}};
    dnnl::matmul(plan).execute(stream(), operands);
    stream().wait();
    return {};
  });
}

}  // namespace attend
