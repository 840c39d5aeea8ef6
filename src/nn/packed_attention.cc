#include "nn/packed_attention.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "nn/call_attention.h"

namespace attend {
namespace {

// `count` neighbouring sequences of one length: one call with B = count.
struct Segment {
  int64_t first_query, queries;  // of the first sequence; its length
  int64_t first_key, keys;
  int64_t count;
};

// Sequences that share a call when several calls run side by side: few enough to balance.
constexpr int64_t kSequencesPerCall = 4;

std::vector<Segment> merge_neighbours(const PackedLayout& layout, int64_t most) {
  assert(layout.queries.size() == layout.keys.size());
  std::vector<Segment> segments;
  for (size_t s = 0; s + 1 < layout.queries.size(); ++s) {
    const int64_t queries = layout.queries[s + 1] - layout.queries[s],
                  keys = layout.keys[s + 1] - layout.keys[s];
    assert(queries >= 0 && keys >= 0);
    const bool joins = !segments.empty() && segments.back().queries == queries &&
                       segments.back().keys == keys && segments.back().count < most;
    if (joins) {
      ++segments.back().count;
    } else {
      segments.push_back({layout.queries[s], queries, layout.keys[s], keys, 1});
    }
  }
  return segments;
}

// One call that uses every worker when all sequences are alike, as in a single photo; otherwise many that use
// one each.
std::vector<Segment> segments_of(const PackedLayout& layout) {
  std::vector<Segment> segments = merge_neighbours(layout, INT64_MAX);
  if (segments.size() > 1) segments = merge_neighbours(layout, kSequencesPerCall);
  return segments;
}

// [count, heads, rows, head width] of `count` sequences of `rows` rows, beginning at row `first`.
template <class T>
auto view(const HeadColumns<T>& columns, int heads, int64_t width, int64_t first, int64_t rows,
          int64_t count) {
  using View = std::conditional_t<std::is_const_v<T>, TensorView, MutableTensorView>;
  const int64_t row = columns.matrix.cols;
  return View(columns.matrix.data + first * row + columns.first, {count, heads, rows, width},
              {rows * row, width, row, 1});
}

// The same of a segment's queries, keys and values.
template <class T>
auto query_view(const HeadColumns<T>& columns, const PackedLayout& layout, const Segment& s) {
  return view(columns, layout.heads, layout.head_width, s.first_query, s.queries, s.count);
}
template <class T>
auto key_view(const HeadColumns<T>& columns, const PackedLayout& layout, const Segment& s) {
  return view(columns, layout.heads, layout.head_width, s.first_key, s.keys, s.count);
}
template <class T>
auto value_view(const HeadColumns<T>& columns, const PackedLayout& layout, const Segment& s) {
  return view(columns, layout.heads, layout.value_head_width(), s.first_key, s.keys, s.count);
}
template <class T>
auto output_view(const HeadColumns<T>& columns, const PackedLayout& layout, const Segment& s) {
  return view(columns, layout.heads, layout.value_head_width(), s.first_query, s.queries, s.count);
}

AttentionOptions options_of(const PackedLayout& layout, const Segment& s) {
  AttentionOptions options;
  options.causal = layout.causal;
  options.scale = layout.scale;
  if (layout.mask.present()) {
    const int64_t row = layout.mask.cols;
    options.mask = TensorView(layout.mask.data + s.first_query * row, {s.count, 1, s.queries, s.keys},
                              {s.queries * row, 0, row, 1});
  }
  return options;
}

// [count, heads, rows, 1] of a segment's rows of a matrix [rows, heads].
template <class T>
auto lse_view(const Matrix<T>& lse, const Segment& s) {
  using View = std::conditional_t<std::is_const_v<T>, TensorView, MutableTensorView>;
  return View(lse.data + s.first_query * lse.cols, {s.count, lse.cols, s.queries, 1},
              {s.queries * lse.cols, 1, lse.cols, 1});
}

// Runs call(i, resources) for each of `count` calls: a single one on all workers, several on one worker each.
// `bytes_of(i, workers)` is the scratch of call i.
template <class Bytes, class Call>
void share_out(int64_t count, Pass& pass, const Bytes& bytes_of, const Call& call) {
  const bool single = count == 1;
  size_t bytes = 0;
  for (int64_t i = 0; i < count; ++i)
    bytes = std::max(bytes, bytes_of(i, single ? pass.executor.workers() : 1));
  bytes = round_to_lines(bytes);
  const int64_t shares = single ? 1 : pass.executor.workers();
  const std::span<std::byte> scratch = pass.arena.array<std::byte>(static_cast<int64_t>(bytes) * shares);
  if (single) {
    call(0, AttentionResources(pass.executor, scratch));
    return;
  }
  pass.executor.for_each(count, [&](int64_t i, int worker) {
    call(i,
         AttentionResources(serial_executor(), scratch.subspan(bytes * static_cast<size_t>(worker), bytes)));
  });
}

// Mean over heads of weights [count, heads, queries, keys] into the segment's rows of `mean`.
template <class T>
void average_heads(const T* weights, const Segment& s, int64_t heads, Matrix<T> mean) {
  for (int64_t r = 0; r < s.count * s.queries; ++r) {
    const std::span<T> row = mean.row(s.first_query + r);
    std::fill(row.begin(), row.end(), T{0});
    const int64_t b = r / s.queries, i = r % s.queries;
    for (int64_t h = 0; h < heads; ++h) {
      const T* head = weights + ((b * heads + h) * s.queries + i) * s.keys;
      for (int64_t j = 0; j < s.keys; ++j) row[static_cast<size_t>(j)] += head[j] / static_cast<T>(heads);
    }
  }
}

template <class T>
void zero_rows(const HeadColumns<T>& columns, int64_t width, int64_t first, int64_t count) {
  for (int64_t r = first; r < first + count; ++r) {
    std::fill_n(columns.matrix.row(r).data() + columns.first, width, T{0});
  }
}

}  // namespace

template <class T>
void packed_attention(const PackedTensors<T>& tensors, const PackedLayout& layout, Pass& pass) {
  const Arena::Mark mark(pass.arena);
  std::vector<Segment> segments = segments_of(layout);
  std::erase_if(segments, [](const Segment& s) { return s.queries == 0; });
  std::vector<AttentionTensors> calls;
  for (const Segment& s : segments) {
    AttentionTensors call;
    call.query = query_view(tensors.query, layout, s);
    call.key = key_view(tensors.key, layout, s);
    call.value = value_view(tensors.value, layout, s);
    call.output = output_view(tensors.output, layout, s);
    if (tensors.lse.present()) call.lse = lse_view(tensors.lse, s);
    if (tensors.mean_weights.present()) {
      const Shape shape{s.count, layout.heads, s.queries, s.keys};
      call.weights = {pass.arena.array<T>(s.count * layout.heads * s.queries * s.keys).data(), shape};
    }
    calls.push_back(call);
  }
  share_out(
      static_cast<int64_t>(calls.size()), pass,
      [&](int64_t i, int workers) {
        const size_t c = static_cast<size_t>(i);
        return attention_scratch_bytes(calls[c], options_of(layout, segments[c]), workers).value_or(0);
      },
      [&](int64_t i, const AttentionResources& resources) {
        const AttentionTensors& call = calls[static_cast<size_t>(i)];
        const Segment& segment = segments[static_cast<size_t>(i)];
        call_attention(call, options_of(layout, segment), resources);
        if (!call.weights.present()) return;
        average_heads(static_cast<const T*>(call.weights.data), segment, layout.heads, tensors.mean_weights);
      });
}

template <class T>
void packed_attention_backward(const PackedGradientTensors<T>& tensors, const PackedLayout& layout,
                               Pass& pass) {
  const Arena::Mark mark(pass.arena);
  std::vector<AttentionGradientTensors> calls;
  std::vector<AttentionOptions> options;
  for (const Segment& s : segments_of(layout)) {
    if (s.queries == 0) {  // keys that nobody looked at
      zero_rows(tensors.key_gradient, layout.heads * layout.head_width, s.first_key, s.count * s.keys);
      zero_rows(tensors.value_gradient, layout.heads * layout.value_head_width(), s.first_key,
                s.count * s.keys);
      continue;
    }
    AttentionGradientTensors call;
    call.query = query_view(tensors.query, layout, s);
    call.key = key_view(tensors.key, layout, s);
    call.value = value_view(tensors.value, layout, s);
    call.output = output_view(tensors.output, layout, s);
    call.lse = lse_view(tensors.lse, s);
    call.output_gradient = output_view(tensors.output_gradient, layout, s);
    call.query_gradient = query_view(tensors.query_gradient, layout, s);
    call.key_gradient = key_view(tensors.key_gradient, layout, s);
    call.value_gradient = value_view(tensors.value_gradient, layout, s);
    calls.push_back(call);
    options.push_back(options_of(layout, s));
  }
  share_out(
      static_cast<int64_t>(calls.size()), pass,
      [&](int64_t i, int workers) {
        const size_t c = static_cast<size_t>(i);
        return attention_backward_scratch_bytes(calls[c], options[c], workers).value_or(0);
      },
      [&](int64_t i, const AttentionResources& resources) {
        const size_t c = static_cast<size_t>(i);
        call_attention_backward(calls[c], options[c], resources);
      });
}

template void packed_attention(const PackedTensors<float>&, const PackedLayout&, Pass&);
template void packed_attention(const PackedTensors<double>&, const PackedLayout&, Pass&);
template void packed_attention_backward(const PackedGradientTensors<float>&, const PackedLayout&, Pass&);
template void packed_attention_backward(const PackedGradientTensors<double>&, const PackedLayout&, Pass&);

}  // namespace attend
