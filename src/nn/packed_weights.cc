#include "nn/packed_weights.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <new>
#include <unordered_map>

#include "nn/onednn.h"
#include "nn/undisturbed.h"

namespace attend {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;

/// Rows of a task. Each task reads all weights, for which fewer rows than these do not pay; more than these
/// leave workers idle at the end. Between them oneDNN's kernels are equally fast.
constexpr int64_t kFewestRows = 12, kMostRows = 100;

/// Tasks of equal size, as many for each worker: of 197 rows in 96s the last task is 5, while the others
/// wait.
int64_t rows_of_a_task(int64_t rows, int workers) {
  const int64_t rounds = (rows + kMostRows * workers - 1) / (kMostRows * workers);
  const int64_t tasks = std::min(rounds * workers, (rows + kFewestRows - 1) / kFewestRows);
  return (rows + tasks - 1) / tasks;
}

/// Rows as pixels of a photo one pixel wide, channels last.
memory::desc pixels(int64_t rows, int64_t channels) {
  return {{1, channels, rows, 1}, kFloat, Tag::nhwc};
}

memory::desc plain_weights(int64_t in, int64_t out) {
  return {{out, in, 1, 1}, kFloat, Tag::oihw};
}

/// For any order of the weights, or for one that is given.
dnnl::convolution_forward::primitive_desc describe(int64_t rows, int64_t in, int64_t out,
                                                   const memory::desc& weights) {
  const onednn::Window window = {{1, 1}, {1, 1}, {0, 0}, {0, 0}};
  return onednn::convolution(pixels(rows, in), weights, memory::desc({out}, kFloat, Tag::x),
                             pixels(rows, out), window, onednn::attributes({}));
}

/// oneDNN makes primitives for as many threads as the thread at hand may open, and each of ours runs on one.
template <class Make>
Status alone(Make&& make) {
  const Undisturbed undisturbed;
  return onednn::guarded("linear", [&]() -> Status {
    make();
    return {};
  });
}

/// The sizes are oneDNN's to take, whatever they are: what it may lack is memory.
void expect_ok(const Status& status) {
  assert(status.ok() || status.code() == StatusCode::kOutOfMemory);
  if (!status.ok()) throw std::bad_alloc();
}

}  // namespace

struct PackedWeights::State {
  int64_t in = 0, out = 0;
  memory weights, bias;

  auto describe_rows(int64_t rows) const { return describe(rows, in, out, weights.get_desc()); }

  void multiply(const float* x, int64_t rows, float* y, std::byte* scratch) const {
    const auto desc = describe_rows(rows);  // found in oneDNN's cache of primitives
    dnnl::stream stream(onednn::cpu());
    dnnl::convolution_forward(desc).execute(
        stream, {{DNNL_ARG_SRC, memory(desc.src_desc(), onednn::cpu(), const_cast<float*>(x))},
                 {DNNL_ARG_WEIGHTS, weights},
                 {DNNL_ARG_BIAS, bias},
                 {DNNL_ARG_DST, memory(desc.dst_desc(), onednn::cpu(), y)},
                 {DNNL_ARG_SCRATCHPAD, memory(desc.scratchpad_desc(), onednn::cpu(), scratch)}});
    stream.wait();
  }
};

PackedWeights::PackedWeights(ConstMatrix<float> weights, std::span<const float> bias) {
  assert(bias.empty() || static_cast<int64_t>(bias.size()) == weights.rows);
  auto state = std::make_shared<State>();
  state->in = weights.cols;
  state->out = weights.rows;
  memory::desc order;
  expect_ok(alone([&] {
    const memory::desc any({state->out, state->in, 1, 1}, kFloat, Tag::any);
    order = describe(kMostRows, state->in, state->out, any).weights_desc();
  }));
  expect_ok(onednn::guarded("linear", [&]() -> Status {
    state->weights = memory(order, onednn::cpu());
    memory plain(plain_weights(state->in, state->out), onednn::cpu(), const_cast<float*>(weights.data));
    dnnl::stream stream(onednn::cpu());
    dnnl::reorder(plain, state->weights).execute(stream, plain, state->weights);
    stream.wait();
    state->bias = memory({{state->out}, kFloat, Tag::x}, onednn::cpu());
    float* const to = static_cast<float*>(state->bias.get_data_handle());
    std::fill_n(to, state->out, 0.0f);
    std::ranges::copy(bias, to);
    return {};
  }));
  state_ = std::move(state);
}

int64_t PackedWeights::in() const {
  return state_->in;
}
int64_t PackedWeights::out() const {
  return state_->out;
}

void PackedWeights::multiply(ConstMatrix<float> x, Matrix<float> y, Pass& pass) const {
  assert(x.cols == in() && y.cols == out() && x.rows == y.rows);
  if (x.rows == 0) return;
  const Arena::Mark mark(pass.arena);
  const int64_t share = rows_of_a_task(x.rows, pass.executor.workers());
  size_t bytes = 0;
  expect_ok(alone([&] {
    for (const int64_t rows : {share, x.rows % share}) {
      if (rows > 0) bytes = std::max(bytes, state_->describe_rows(rows).scratchpad_desc().get_size());
    }
  }));
  const Matrix<std::byte> scratch =
      pass.arena.matrix<std::byte>(pass.executor.workers(), static_cast<int64_t>(round_to_lines(bytes)));
  std::atomic<bool> complete = true;
  pass.executor.for_each((x.rows + share - 1) / share, [&](int64_t task, int worker) {
    const int64_t first = task * share, rows = std::min(share, x.rows - first);
    const Status done = alone([&] {
      state_->multiply(x.row(first).data(), rows, y.row(first).data(), scratch.row(worker).data());
    });
    if (!done.ok()) complete = false;
  });
  if (!complete) throw std::bad_alloc();
}

}  // namespace attend
