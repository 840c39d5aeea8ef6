#include "language/caption_decoder.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "attend/decode.h"
#include "nn/residual.h"

namespace attend {
namespace {

/// Adds the keys and values of new rows, equally many of each sequence, to the cache.
void append(ConstMatrix<float> keys, ConstMatrix<float> values, KeyValueCache<float>& cache) {
  const int64_t rows = keys.rows / cache.sequences();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t s = 0; s < cache.sequences(); ++s) {
      std::ranges::copy(keys.row(s * rows + i), cache.next_key(s).begin());
      std::ranges::copy(values.row(s * rows + i), cache.next_value(s).begin());
    }
    cache.advance();
  }
}

/// [1, heads, rows, width of a head] of packed rows, and [1, heads, rows, 1] of one number a head.
Shape per_head(ConstMatrix<float> m, int heads) {
  return {1, heads, m.rows, m.cols / heads};
}
Shape head_strides(ConstMatrix<float> m, int heads) {
  return {m.size(), m.cols / heads, m.cols, 1};
}

/// What a step's rows see of the image, and where they looked.
class Looking {
 public:
  /// `mean` [sequences, image tokens] is added to: the last row of each sequence, over heads.
  Looking(const Heads& heads, int64_t rows_per_sequence, Matrix<float> mean, float share, Pass& pass)
      : heads_(heads), every_(rows_per_sequence), mean_(mean), share_(share), pass_(pass) {}

  Matrix<float> at(ConstMatrix<float> query, const CaptionDecoder::Image& image, Matrix<float> lse = {}) {
    AttentionExtras extras{lse, {}};
    if (mean_.present())
      extras.weights = pass_.arena.matrix<float>(query.rows * heads_.count, image.keys.rows);
    weights_ = extras.weights;
    return attend_to_shared(query, image.keys, image.values, heads_, pass_, extras);
  }

  /// `kept(row, head)` is the part of the head's attention that went to the image.
  template <class Kept>
  void add_mean(const Kept& kept) const {
    for (int64_t s = 0; s < mean_.rows; ++s) {
      const int64_t row = (s + 1) * every_ - 1;
      for (int64_t h = 0; h < heads_.count; ++h) {
        const float factor = share_ / static_cast<float>(heads_.count) * kept(row, h);
        const std::span<const float> weights = weights_.row(row * heads_.count + h);
        const std::span<float> sum = mean_.row(s);
        for (size_t k = 0; k < sum.size(); ++k) sum[k] += factor * weights[k];
      }
    }
  }

 private:
  const Heads& heads_;
  const int64_t every_;
  const Matrix<float> mean_;
  const float share_;
  Pass& pass_;
  Matrix<float> weights_;
};

/// The attention of words that stand behind the image in one sequence: to the image, to the words, and both
/// merged.
Matrix<float> see_image_and_past(ConstMatrix<float> query, const CaptionDecoder::Image& image,
                                 const KeyValueCache<float>& cache, const Heads& heads, Looking& looking,
                                 Pass& pass) {
  const Matrix<float> to_image = pass.arena.matrix<float>(query.rows, heads.count);
  const Matrix<float> to_words = pass.arena.matrix<float>(query.rows, heads.count);
  const Matrix<float> both = pass.arena.matrix<float>(query.rows, heads.count);
  const Matrix<float> of_image = looking.at(query, image, to_image);
  const Matrix<float> of_words = attend_to_past(query, cache, heads, pass, {to_words, {}});
  const auto part = [&](const Matrix<float>& output, const Matrix<float>& lse) {
    return AttentionPart{{output.data, per_head(output, heads.count), head_strides(output, heads.count)},
                         {lse.data, per_head(lse, heads.count), head_strides(lse, heads.count)}};
  };
  MergeTensors merged;
  merged.first = part(of_image, to_image);
  merged.second = part(of_words, to_words);
  merged.output = {of_image.data, per_head(of_image, heads.count), head_strides(of_image, heads.count)};
  merged.lse = {both.data, per_head(both, heads.count), head_strides(both, heads.count)};
  [[maybe_unused]] const Status status = merge(merged, pass.executor);
  assert(status.ok());
  looking.add_mean([&](int64_t row, int64_t head) {
    const size_t h = static_cast<size_t>(head);
    return std::exp(to_image.row(row)[h] - both.row(row)[h]);
  });
  return of_image;
}

}  // namespace

CaptionDecoder::Images CaptionDecoder::remember(ConstMatrix<float> tokens, Arena& kept, Pass& pass) const {
  Images images;
  for (size_t i = 0; i < layers(); ++i) {
    images.push_back({kept.matrix<float>(tokens.rows, width()), kept.matrix<float>(tokens.rows, width())});
  }
  const Arena::Mark mark(pass.arena);
  if (has_cross_attention()) {
    for (size_t i = 0; i < layers(); ++i) {
      const Arena::Mark layer(pass.arena);
      const StoredAttention& cross = *weights_.blocks[i].cross;
      std::ranges::copy(cross.key.forward(tokens, pass).values(), images[i].keys.data);
      std::ranges::copy(cross.value.forward(tokens, pass).values(), images[i].values.data);
    }
    return images;
  }
  // The image is the beginning of the sequence: its tokens go through the blocks, and see each other alone.
  const Matrix<float> state = copy<float>(tokens, pass);
  const auto keep = [&](size_t i, ConstMatrix<float> key, ConstMatrix<float> value) {
    std::ranges::copy(key.values(), images[i].keys.data);
    std::ranges::copy(value.values(), images[i].values.data);
  };
  for (size_t i = 0; i + 1 < layers(); ++i) {
    const auto see = [&](ConstMatrix<float> query, ConstMatrix<float> key, ConstMatrix<float> value) {
      keep(i, key, value);
      return attend_to_shared(query, key, value, weights_.blocks[i].self.heads, pass);
    };
    weights_.blocks[i].apply(state, see, nullptr, pass);
  }
  const StoredBlock::Shown last = weights_.blocks.back().show(state, pass);
  keep(layers() - 1, last.key, last.value);
  return images;
}

Matrix<float> CaptionDecoder::embed(std::span<const int32_t> tokens, int64_t sequences, int64_t first,
                                    Pass& pass) const {
  const int64_t rows = static_cast<int64_t>(tokens.size()), of_each = rows / sequences;
  const Matrix<float> state = pass.arena.matrix<float>(rows, width());
  const Matrix<float> position = pass.arena.matrix<float>(1, width());
  for (int64_t r = 0; r < rows; ++r) {
    weights_.words.widen(tokens[static_cast<size_t>(r)], 1, state.row(r).data());
    weights_.positions.widen(first + r % of_each, 1, position.data);
    kernels::add(state.row(r).data(), position.data, state.row(r).data(), width());
  }
  return weights_.norm_in ? weights_.norm_in->forward(state, pass) : state;
}

Matrix<float> CaptionDecoder::logits(ConstMatrix<float> state, Pass& pass) const {
  ConstMatrix<float> x = state;
  if (weights_.norm_out) x = weights_.norm_out->forward(x, pass);
  if (weights_.transform) {
    const Matrix<float> dense = weights_.transform->dense.forward(x, pass);
    activate(weights_.transform->activation, dense, pass);
    x = weights_.transform->norm.forward(dense, pass);
  }
  return weights_.output.forward(x, pass);
}

Matrix<float> CaptionDecoder::step(std::span<const int32_t> tokens, const Images& images,
                                   std::vector<KeyValueCache<float>>& caches, Pass& pass,
                                   Matrix<float> weights) const {
  assert(images.size() == layers() && caches.size() == layers());
  const int64_t sequences = caches.front().sequences(), rows = static_cast<int64_t>(tokens.size());
  const int64_t of_each = rows / sequences;
  assert(of_each * sequences == rows);
  const Matrix<float> state = embed(tokens, sequences, caches.front().length(), pass);
  if (weights.present()) std::ranges::fill(weights.values(), 0.0f);
  const float share = 1.0f / static_cast<float>(layers());

  for (size_t i = 0; i < layers(); ++i) {
    const StoredBlock& block = weights_.blocks[i];
    const Heads& heads = block.cross ? block.cross->heads : block.self.heads;
    Looking looking(heads, of_each, weights, share, pass);
    const auto see = [&](ConstMatrix<float> query, ConstMatrix<float> key, ConstMatrix<float> value) {
      append(key, value, caches[i]);
      return block.cross ? attend_to_past(query, caches[i], block.self.heads, pass)
                         : see_image_and_past(query, images[i], caches[i], heads, looking, pass);
    };
    const auto look = [&](ConstMatrix<float> query) {
      const Matrix<float> attended = looking.at(query, images[i]);
      looking.add_mean([](int64_t, int64_t) { return 1.0f; });
      return attended;
    };
    block.apply(state, see, look, pass);
  }
  if (of_each == 1) return logits(state, pass);
  const Matrix<float> last = pass.arena.matrix<float>(sequences, width());
  for (int64_t s = 0; s < sequences; ++s)
    std::ranges::copy(state.row((s + 1) * of_each - 1), last.row(s).begin());
  return logits(last, pass);
}

}  // namespace attend
