// How exact the answers are, as Markdown: errors against float64 by type and shape, ours beside those of the
// plain float32 loops, and the exponential at every float32.
//
//   attend_numerics_bench [--without-exponential]
//
// A number is the root mean square error and, after a slash, the largest, both divided by the root mean
// square of what is computed. Operands are normal; what is exact is float64 on the operands as they are
// stored.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "attend/attention.h"
#include "attend/decode.h"
#include "base/half.h"
#include "base/random.h"
#include "exponential_sweep.h"

namespace attend::bench {
namespace {

struct Work {
  const char* name;
  int64_t Hq, Hkv, Tq, Tk, D;
  Causal causal = Causal::kNone;
  float magnitude = 1;  // of the queries
  float softcap = 0;
};

constexpr Work kWorks[] = {
    {"1 query, 4096 keys, D 128", 4, 2, 1, 4096, 128},
    {"197 x 197, D 64", 4, 4, 197, 197, 64},
    {"1024 x 1024, D 64", 2, 2, 1024, 1024, 64},
    {"1024 x 1024, D 64, causal", 2, 2, 1024, 1024, 64, Causal::kUpperLeft},
    {"256 x 4096, D 128, causal", 1, 1, 256, 4096, 128, Causal::kLowerRight},
    {"197 x 197, D 64, scores 10 times as large", 4, 4, 197, 197, 64, Causal::kNone, 10},
    {"197 x 197, D 64, softcap 20", 4, 4, 197, 197, 64, Causal::kNone, 10, 20},
};

template <class T>
using Numbers = std::vector<T>;

Numbers<float> normal(uint64_t stream, int64_t count, float magnitude = 1) {
  const RandomKey random = RandomKey(2026).child(stream);
  Numbers<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = magnitude * static_cast<float>(random.normal(i));
  return numbers;
}

Numbers<double> doubles(const Numbers<float>& numbers) {
  return {numbers.begin(), numbers.end()};
}

/// "1.2e-07 / 3.4e-06": the errors' root mean square and largest, relative to what is exact.
std::string error_of(const Numbers<double>& made, const Numbers<double>& exact) {
  double squares = 0, errors = 0, largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double error = std::abs(made[i] - exact[i]);
    squares += exact[i] * exact[i];
    errors += error * error;
    largest = std::isnan(error) ? INFINITY : std::max(largest, error);
  }
  const double unit = std::sqrt(squares / static_cast<double>(exact.size()));
  char text[64];
  std::snprintf(text, sizeof text, "%.1e / %.1e",
                std::sqrt(errors / static_cast<double>(exact.size())) / unit, largest / unit);
  return text;
}

void expect(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "numerics: %s\n", status.message().c_str());
  std::exit(1);
}

/// Operands in a type, and what comes of them in doubles.
template <class T>
struct Problem {
  Numbers<T> query, key, value, output_gradient;
};

struct Answer {
  Numbers<double> output, lse, query, key, value;
};

template <class T>
Answer forward_and_backward(const Work& w, const Problem<T>& p, const AttentionOptions& options,
                            Executor& executor) {
  const Shape q = {1, w.Hq, w.Tq, w.D}, kv = {1, w.Hkv, w.Tk, w.D}, row = {1, w.Hq, w.Tq, 1};
  Numbers<T> output(p.query.size()), lse(static_cast<size_t>(w.Hq * w.Tq)), dq(p.query.size()),
      dk(p.key.size()), dv(p.value.size());
  expect(attention({{p.query.data(), q},
                    {p.key.data(), kv},
                    {p.value.data(), kv},
                    {output.data(), q},
                    {lse.data(), row},
                    {}},
                   options, executor));
  expect(attention_backward({{p.query.data(), q},
                             {p.key.data(), kv},
                             {p.value.data(), kv},
                             {static_cast<const T*>(output.data()), q},
                             {static_cast<const T*>(lse.data()), row},
                             {p.output_gradient.data(), q},
                             {dq.data(), q},
                             {dk.data(), kv},
                             {dv.data(), kv}},
                            options, executor));
  const auto wide = [](const Numbers<T>& x) { return Numbers<double>(x.begin(), x.end()); };
  return {wide(output), wide(lse), wide(dq), wide(dk), wide(dv)};
}

AttentionOptions options_of(const Work& w, std::optional<Isa> isa) {
  AttentionOptions options;
  options.causal = w.causal;
  options.softcap = w.softcap;
  options.isa = isa;
  return options;
}

Problem<float> problem_of(const Work& w) {
  return {normal(1, w.Hq * w.Tq * w.D, w.magnitude), normal(2, w.Hkv * w.Tk * w.D),
          normal(3, w.Hkv * w.Tk * w.D), normal(4, w.Hq * w.Tq * w.D)};
}

void float32_table(Executor& executor) {
  std::printf(
      "\n## float32, forward and backward\n\n"
      "| work | side | output | lse | dquery | dkey | dvalue |\n|---|---|---|---|---|---|---|\n");
  for (const Work& w : kWorks) {
    const Problem<float> p = problem_of(w);
    const Answer exact = forward_and_backward<double>(
        w, {doubles(p.query), doubles(p.key), doubles(p.value), doubles(p.output_gradient)},
        options_of(w, std::nullopt), executor);
    for (const Isa isa : {isas().front(), Isa::kScalar}) {
      const Answer made = forward_and_backward(w, p, options_of(w, isa), executor);
      std::printf("| %s | %s | %s | %s | %s | %s | %s |\n", w.name,
                  isa == Isa::kScalar ? "plain" : std::string(name(isa)).c_str(),
                  error_of(made.output, exact.output).c_str(), error_of(made.lse, exact.lse).c_str(),
                  error_of(made.query, exact.query).c_str(), error_of(made.key, exact.key).c_str(),
                  error_of(made.value, exact.value).c_str());
    }
  }
}

float widen(uint16_t x, DType dtype) {
  return dtype == DType::kFloat16 ? half_to_float(x) : bfloat16_to_float(x);
}

Numbers<uint16_t> narrow(const Numbers<float>& numbers, DType dtype) {
  Numbers<uint16_t> bits;
  for (const float x : numbers)
    bits.push_back(dtype == DType::kFloat16 ? float_to_half(x) : float_to_bfloat16(x));
  return bits;
}

Numbers<double> wide(const Numbers<uint16_t>& bits, DType dtype) {
  Numbers<double> numbers;
  for (const uint16_t x : bits) numbers.push_back(static_cast<double>(widen(x, dtype)));
  return numbers;
}

TensorView view_of(const Numbers<uint16_t>& bits, DType dtype, const Shape& shape) {
  return {bits.data(), dtype, shape, dense_strides(shape)};
}

struct NarrowAnswer {
  Numbers<double> output, lse;
};

NarrowAnswer narrow_forward(const Work& w, DType dtype, const Problem<uint16_t>& p, Isa isa,
                            Executor& executor) {
  const Shape q = {1, w.Hq, w.Tq, w.D}, kv = {1, w.Hkv, w.Tk, w.D};
  Numbers<uint16_t> output(p.query.size());
  Numbers<float> lse(static_cast<size_t>(w.Hq * w.Tq));
  expect(attention({view_of(p.query, dtype, q),
                    view_of(p.key, dtype, kv),
                    view_of(p.value, dtype, kv),
                    {output.data(), dtype, q, dense_strides(q)},
                    {lse.data(), Shape{1, w.Hq, w.Tq, 1}},
                    {}},
                   options_of(w, isa), executor));
  return {wide(output, dtype), doubles(lse)};
}

/// What is exact is float64 on the rounded operands; its own rounding to the type is the least error there
/// is.
void sixteen_bit_table(DType dtype, const char* title, Executor& executor) {
  std::printf(
      "\n## %s, forward\n\n| work | side | output | lse | output: exact, rounded once |\n"
      "|---|---|---|---|---|\n",
      title);
  for (const Work& w : kWorks) {
    const Problem<float> p = problem_of(w);
    const Problem<uint16_t> bits = {narrow(p.query, dtype), narrow(p.key, dtype), narrow(p.value, dtype), {}};
    const Answer exact = forward_and_backward<double>(
        w,
        {wide(bits.query, dtype), wide(bits.key, dtype), wide(bits.value, dtype), doubles(p.output_gradient)},
        options_of(w, std::nullopt), executor);
    const Numbers<float> output(exact.output.begin(), exact.output.end());
    const std::string least = error_of(wide(narrow(output, dtype), dtype), exact.output);
    for (const Isa isa : {isas().front(), Isa::kScalar}) {
      const NarrowAnswer made = narrow_forward(w, dtype, bits, isa, executor);
      std::printf("| %s | %s | %s | %s | %s |\n", w.name,
                  isa == Isa::kScalar ? "plain" : std::string(name(isa)).c_str(),
                  error_of(made.output, exact.output).c_str(), error_of(made.lse, exact.lse).c_str(),
                  least.c_str());
    }
  }
}

struct Stored {
  const char* name;
  DType dtype;
};
constexpr Stored kStored[] = {{"float32", DType::kFloat32},
                              {"bfloat16", DType::kBFloat16},
                              {"float16", DType::kFloat16},
                              {"int8", DType::kInt8}};

/// Against float64 on the keys and values before they were stored: storing is most of the error.
void decode_table(Executor& executor) {
  std::printf(
      "\n## Decode, one query in float32, against the keys and values before they were stored\n\n"
      "| keys, D 128, 8 heads over 2 | stored as | output, ours | output, plain |\n|---|---|---|---|\n");
  for (const int64_t keys : {int64_t{100}, int64_t{4096}, int64_t{16384}}) {
    const Work w = {"", 8, 2, 1, keys, 128};
    const Problem<float> p = problem_of(w);
    const Answer exact = forward_and_backward<double>(
        w, {doubles(p.query), doubles(p.key), doubles(p.value), doubles(p.output_gradient)},
        options_of(w, std::nullopt), executor);
    for (const Stored& stored : kStored) {
      Result<KvCache> cache = KvCache::create(
          {.capacity = keys, .kv_heads = w.Hkv, .key_width = w.D, .value_width = w.D, .dtype = stored.dtype});
      expect(cache.status());
      const Shape kv = {1, w.Hkv, keys, w.D}, q = {1, w.Hq, 1, w.D};
      expect(cache.value().append({{p.key.data(), kv}, {p.value.data(), kv}}, executor));
      std::string cells;
      for (const Isa isa : {isas().front(), Isa::kScalar}) {
        Numbers<float> output(p.query.size());
        expect(attention_decode({{p.query.data(), q}, cache.value().view(), {output.data(), q}, {}},
                                {.isa = isa}, executor));
        cells += " | " + error_of(doubles(output), exact.output);
      }
      std::printf("| %lld | %s%s |\n", static_cast<long long>(keys), stored.name, cells.c_str());
    }
  }
}

void exponential_table(Executor& executor) {
  std::printf(
      "\n## The exponential, 2^x, at every float32\n\n"
      "| instruction set | inputs in [-126, 127] | largest relative error, in units of 2^-24 | at "
      "| inputs below -126, and NaN | of them not 0, or not NaN |\n|---|---|---|---|---|---|\n");
  for (const ExponentialError& e : sweep_exponential(executor)) {
    std::printf("| %s | %lld | %.4f | %.9g | %lld | %lld |\n", std::string(name(e.isa)).c_str(),
                static_cast<long long>(e.inputs), e.relative * 0x1p24, static_cast<double>(e.at),
                static_cast<long long>(e.others), static_cast<long long>(e.mistakes));
  }
}

}  // namespace

int main(bool with_exponential) {
  const std::unique_ptr<Executor> executor = make_thread_executor();
  std::printf(
      "Root mean square / largest, relative to the root mean square of what is computed. Ours is %s; plain "
      "are the "
      "float32 loops of the reference.\n",
      std::string(name(isas().front())).c_str());
  float32_table(*executor);
  sixteen_bit_table(DType::kBFloat16, "bfloat16", *executor);
  sixteen_bit_table(DType::kFloat16, "float16", *executor);
  decode_table(*executor);
  if (with_exponential) exponential_table(*executor);
  return 0;
}

}  // namespace attend::bench

int main(int count, char** words) {
  return attend::bench::main(count < 2 || std::strcmp(words[1], "--without-exponential") != 0);
}
