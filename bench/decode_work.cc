#include "decode_work.h"

#include <algorithm>
#include <utility>

namespace attend::bench {

Result<DecodeWork> DecodeWork::create(DecodeNumbers numbers, const DecodeProblem& problem,
                                      Executor& executor) {
  DecodeWork work(std::move(numbers), problem);
  const Shape& query = work.numbers_.query.shape();
  const int64_t B = query[0], Hkv = work.numbers_.key.shape()[1], D = work.numbers_.key.shape()[3],
                Dv = work.numbers_.value.shape()[3];
  const int64_t scales = problem.stored == DType::kInt8 ? 2 * int64_t{sizeof(float)} : 0;
  work.bytes_ = B * Hkv * problem.keys * ((D + Dv) * static_cast<int64_t>(size_of(problem.stored)) + scales);
  for (int64_t i = 0; i < layers_of(work.bytes_); ++i) {
    Result<KvCache> cache = work.filled_cache(executor);
    if (!cache.ok()) return cache.status();
    work.caches_.push_back(std::move(cache).value());
  }
  work.output_ = Numbers({B, query[1], 1, Dv});
  work.scratch_bytes_ = attention_decode_scratch_bytes(work.tensors(work.caches_[0], query[1]),
                                                       work.options(), executor.workers())
                            .value_or(0);
  work.scratch_ = allocate_aligned(work.scratch_bytes_);
  return work;
}

Result<KvCache> DecodeWork::filled_cache(Executor& executor) const {
  const Shape &key = numbers_.key.shape(), &value = numbers_.value.shape();
  const int64_t B = numbers_.query.shape()[0], tokens = key[2];
  Result<KvCache> cache = KvCache::create({.sequences = B,
                                           .capacity = problem_.keys,
                                           .kv_heads = key[1],
                                           .key_width = key[3],
                                           .value_width = value[3],
                                           .dtype = problem_.stored,
                                           .page_size = problem_.page});
  if (!cache.ok()) return cache.status();
  const TensorView keys(numbers_.key.floats(), {B, key[1], tokens, key[3]}, {0, tokens * key[3], key[3], 1});
  const TensorView values(numbers_.value.floats(), {B, key[1], tokens, value[3]},
                          {0, tokens * value[3], value[3], 1});
  for (int64_t t = 0; t < problem_.keys; t += tokens) {
    const std::vector<int64_t> counts(static_cast<size_t>(B), std::min(tokens, problem_.keys - t));
    ATTEND_RETURN_IF_ERROR(cache.value().append({keys, values, counts}, executor));
  }
  return cache;
}

DecodeTensors DecodeWork::tensors(const KvCache& cache, int64_t heads) const {
  MutableTensorView query = numbers_.query.view(), output = output_.view();
  query.shape[1] = output.shape[1] = heads;  // strides stay those of all heads
  return {query, cache.view(), output, {}};
}

DecodeOptions DecodeWork::options() const {
  DecodeOptions options;
  options.isa = problem_.isa;
  return options;
}

Status DecodeWork::step(int64_t heads, Executor& executor) {
  for (const KvCache& cache : caches_) {
    ATTEND_RETURN_IF_ERROR(
        attention_decode(tensors(cache, heads), options(), {executor, {scratch_.get(), scratch_bytes_}}));
  }
  return {};
}

Status DecodeWork::write(const std::string& path) const {
  const std::vector<float> values = output_.widened();
  const TensorToWrite tensor = {"output", {output_.shape().begin(), output_.shape().end()}, values};
  return write_safetensors(path, {&tensor, 1}, {});
}

}  // namespace attend::bench
