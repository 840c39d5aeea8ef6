#include <math.h>
#include <string.h>

#include "check.h"

static const double kTolerance = 1e-6; /* values in [-1, 1], a few float32 roundings */

/* Three sequences: the two batch rows of a problem, and between them one that has keys alone, of NaN. Tokens
 * come before heads in memory, as [total, heads, width]. */
enum { kTotalQ = kB * kTq, kIdle = 2, kTotalK = kB * kTk + kIdle };
static const int64_t kQueryStarts[] = {0, kTq, kTq, kTotalQ}, kKeyStarts[] = {0, kTk, kTk + kIdle, kTotalK};
enum { kStarts = sizeof kQueryStarts / sizeof *kQueryStarts };

typedef struct packed {
  float query[kTotalQ * kHq * kD], key[kTotalK * kHkv * kD], value[kTotalK * kHkv * kDv];
  float output[kTotalQ * kHq * kDv], lse[kHq * kTotalQ], output_gradient[kTotalQ * kHq * kDv];
  float query_gradient[kTotalQ * kHq * kD], key_gradient[kTotalK * kHkv * kD],
      value_gradient[kTotalK * kHkv * kDv], sinks_gradient[kHq], bias_gradient[kHq * kTq];
  attend_packed_attention_tensors tensors;
  attend_packed_attention_gradient_tensors gradients;
} packed;

static attend_view read_view(const float* data, int64_t tokens, int64_t heads, int64_t width) {
  attend_view view = attend_view_of(data, ATTEND_FLOAT32, 1, heads, tokens, width);
  view.stride[1] = width;
  view.stride[2] = heads * width;
  return view;
}
static attend_mutable_view written_view(float* data, int64_t tokens, int64_t heads, int64_t width) {
  attend_mutable_view view = attend_mutable_view_of(data, ATTEND_FLOAT32, 1, heads, tokens, width);
  view.stride[1] = width;
  view.stride[2] = heads * width;
  return view;
}

/* [B, H, T, W] to [total, H, W] with `idle` tokens between the batch rows, or back. */
static void pack(float* dense, float* packed_rows, size_t H, size_t T, size_t W, size_t idle, int back) {
  for (size_t n = 0; n < kB * H * T; ++n) {
    const size_t t = n % T, h = n / T % H, b = n / (T * H);
    float* one = packed_rows + ((b * (T + idle) + t) * H + h) * W;
    memcpy(back ? dense + n * W : one, back ? one : dense + n * W, W * sizeof *dense);
  }
}

static void fill_with_nan(float* numbers, size_t bytes) {
  for (size_t n = 0; n < bytes / sizeof *numbers; ++n) numbers[n] = NAN;
}

static void fill_packed(packed* k, problem* p) {
  fill_with_nan((float*)k, offsetof(packed, tensors));
  pack(p->query, k->query, kHq, kTq, kD, 0, 0);
  pack(p->key, k->key, kHkv, kTk, kD, kIdle, 0);
  pack(p->value, k->value, kHkv, kTk, kDv, kIdle, 0);
  pack(p->output_gradient, k->output_gradient, kHq, kTq, kDv, 0, 0);
  const attend_view query = read_view(k->query, kTotalQ, kHq, kD), key = read_view(k->key, kTotalK, kHkv, kD),
                    value = read_view(k->value, kTotalK, kHkv, kDv);
  k->tensors = (attend_packed_attention_tensors){
      .size = sizeof k->tensors,
      .query = query,
      .key = key,
      .value = value,
      .query_starts = kQueryStarts,
      .query_starts_count = kStarts,
      .key_starts = kKeyStarts,
      .key_starts_count = kStarts,
      .output = written_view(k->output, kTotalQ, kHq, kDv),
      .lse = attend_mutable_view_of(k->lse, ATTEND_FLOAT32, 1, kHq, kTotalQ, 1)};
  k->gradients = (attend_packed_attention_gradient_tensors){
      .size = sizeof k->gradients,
      .query = query,
      .key = key,
      .value = value,
      .query_starts = kQueryStarts,
      .query_starts_count = kStarts,
      .key_starts = kKeyStarts,
      .key_starts_count = kStarts,
      .output = read_view(k->output, kTotalQ, kHq, kDv),
      .lse = attend_view_of(k->lse, ATTEND_FLOAT32, 1, kHq, kTotalQ, 1),
      .output_gradient = read_view(k->output_gradient, kTotalQ, kHq, kDv),
      .query_gradient = written_view(k->query_gradient, kTotalQ, kHq, kD),
      .key_gradient = written_view(k->key_gradient, kTotalK, kHkv, kD),
      .value_gradient = written_view(k->value_gradient, kTotalK, kHkv, kDv)};
}

static void sequences_are_attention_of_their_own(void) {
  problem p, alone;
  packed k;
  fill(&p);
  fill(&alone);
  fill_packed(&k, &p);
  attend_attention_options options = {.size = sizeof options, .causal = ATTEND_CAUSAL_LOWER_RIGHT};
  CHECK(attend_attention_varlen(&k.tensors, &options, NULL) == ATTEND_OK);
  pack(p.output, k.output, kHq, kTq, kDv, 0, 1);
  rules rule = plain_rules();
  rule.offset = kTk - kTq;
  CHECK(largest_error(&p, &rule) < kTolerance);
  CHECK(attend_attention(&alone.tensors, &options, NULL) == ATTEND_OK);
  CHECK(memcmp(p.output, alone.output, sizeof p.output) == 0);
  for (int n = 0; n < kB * kHq * kTq; ++n) {
    const int i = n % kTq, h = n / kTq % kHq, b = n / (kTq * kHq);
    CHECK(k.lse[h * kTotalQ + b * kTq + i] == alone.lse[n]);
  }
}

static void options_have_one_number_a_sequence(void) {
  problem p;
  packed k;
  fill(&p);
  fill_packed(&k, &p);
  const int64_t lengths[] = {kTk, 0, 3}, lengths_of_rows[kB] = {kTk, 3};
  const attend_attention_options options = {
      .size = sizeof options, .kv_lengths = lengths, .kv_lengths_count = kStarts - 1};
  fill_with_nan(k.value + (kTotalK - kTk + 3) * kHkv * kDv, (kTk - 3) * kHkv * kDv * sizeof(float));
  CHECK(attend_attention_varlen(&k.tensors, &options, NULL) == ATTEND_OK);
  pack(p.output, k.output, kHq, kTq, kDv, 0, 1);
  rules rule = plain_rules();
  rule.lengths = lengths_of_rows;
  CHECK(largest_error(&p, &rule) < kTolerance);
}

static void gradients_are_those_of_each_sequence(void) {
  problem p;
  packed k;
  fill(&p);
  fill_packed(&k, &p);
  const float sinks[kHq] = {0, 1, -1, 0.5f};
  float sinks_gradient[kHq], bias[kHq * kTq], bias_gradient[kHq * kTq];
  for (int n = 0; n < kHq * kTq; ++n) bias[n] = 0.1f * (float)(n % 7);
  const attend_attention_options options = {.size = sizeof options,
                                            .causal = ATTEND_CAUSAL_UPPER_LEFT,
                                            .bias = attend_view_of(bias, ATTEND_FLOAT32, 1, kHq, kTq, 1),
                                            .sinks = attend_view_of(sinks, ATTEND_FLOAT32, 1, kHq, 1, 1)};
  p.gradients.sinks_gradient = attend_mutable_view_of(sinks_gradient, ATTEND_FLOAT32, 1, kHq, 1, 1);
  k.gradients.sinks_gradient = attend_mutable_view_of(k.sinks_gradient, ATTEND_FLOAT32, 1, kHq, 1, 1);
  p.gradients.bias_gradient = attend_mutable_view_of(bias_gradient, ATTEND_FLOAT32, 1, kHq, kTq, 1);
  k.gradients.bias_gradient = attend_mutable_view_of(k.bias_gradient, ATTEND_FLOAT32, 1, kHq, kTq, 1);
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&p.gradients, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_varlen(&k.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_varlen_backward(&k.gradients, &options, NULL) == ATTEND_OK);
  static problem result;
  pack(result.query_gradient, k.query_gradient, kHq, kTq, kD, 0, 1);
  pack(result.key_gradient, k.key_gradient, kHkv, kTk, kD, kIdle, 1);
  pack(result.value_gradient, k.value_gradient, kHkv, kTk, kDv, kIdle, 1);
  CHECK(memcmp(result.query_gradient, p.query_gradient, sizeof p.query_gradient) == 0);
  CHECK(memcmp(result.key_gradient, p.key_gradient, sizeof p.key_gradient) == 0);
  CHECK(memcmp(result.value_gradient, p.value_gradient, sizeof p.value_gradient) == 0);
  for (int h = 0; h < kHq; ++h) CHECK(fabsf(k.sinks_gradient[h] - sinks_gradient[h]) < kTolerance);
  for (int n = 0; n < kHq * kTq; ++n) CHECK(fabsf(k.bias_gradient[n] - bias_gradient[n]) < kTolerance);
  for (int n = 0; n < kIdle * kHkv * kD; ++n) CHECK(k.key_gradient[kTk * kHkv * kD + n] == 0);
  for (int n = 0; n < kIdle * kHkv * kDv; ++n) CHECK(k.value_gradient[kTk * kHkv * kDv + n] == 0);
}

static void scratch_and_threads_do_not_show(void) {
  problem p;
  packed own, lent;
  fill(&p);
  fill_packed(&own, &p);
  fill_packed(&lent, &p);
  static _Alignas(64) unsigned char scratch[1 << 20];
  attend_executor* executor = NULL;
  CHECK(attend_executor_create(ATTEND_EXECUTOR_THREADS, 3, &executor) == ATTEND_OK);
  attend_resources resources = {.size = sizeof resources, .executor = executor, .scratch = scratch};
  CHECK(attend_attention_varlen_scratch_bytes(&lent.tensors, NULL, 3, &resources.scratch_bytes) == ATTEND_OK);
  CHECK(resources.scratch_bytes > 0 && resources.scratch_bytes <= sizeof scratch);
  CHECK(attend_attention_varlen(&lent.tensors, NULL, &resources) == ATTEND_OK);
  CHECK(attend_attention_varlen(&own.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(memcmp(own.output, lent.output, sizeof own.output) == 0);
  CHECK(attend_attention_varlen_backward_scratch_bytes(&lent.gradients, NULL, 3, &resources.scratch_bytes) ==
        ATTEND_OK);
  CHECK(resources.scratch_bytes > 0 && resources.scratch_bytes <= sizeof scratch);
  CHECK(attend_attention_varlen_backward(&lent.gradients, NULL, &resources) == ATTEND_OK);
  CHECK(attend_attention_varlen_backward(&own.gradients, NULL, NULL) == ATTEND_OK);
  CHECK(memcmp(own.query_gradient, lent.query_gradient, sizeof own.query_gradient) == 0);
  CHECK(memcmp(own.key_gradient, lent.key_gradient, sizeof own.key_gradient) == 0);
  attend_executor_destroy(executor);
}

static void the_line_names_the_instruction_set(void) {
  problem p;
  packed k;
  fill(&p);
  fill_packed(&k, &p);
  for (size_t n = 0; n < attend_isa_count(); ++n) {
    const attend_attention_options options = {.size = sizeof options, .isa = attend_isa_name(n)};
    char line[512];
    size_t length = 0;
    CHECK(attend_explain_varlen(&k.tensors, &options, line, sizeof line, &length) == ATTEND_OK);
    CHECK(length == strlen(line) && strstr(line, options.isa) != NULL);
  }
}

static void check_nothing_written(const packed* k) {
  for (int n = 0; n < kTotalQ * kHq * kDv; ++n) CHECK(isnan(k->output[n]));
  for (int n = 0; n < kTotalQ * kHq * kD; ++n) CHECK(isnan(k->query_gradient[n]));
}

/* Both passes refuse the offsets, in the same words. */
static void check_starts_refused(const int64_t* query_starts, size_t count, const char* sentence) {
  problem p;
  packed k;
  fill(&p);
  fill_packed(&k, &p);
  k.tensors.query_starts = k.gradients.query_starts = query_starts;
  k.tensors.query_starts_count = k.gradients.query_starts_count = count;
  size_t bytes = 0;
  CHECK_REFUSED(attend_attention_varlen(&k.tensors, NULL, NULL), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_attention_varlen_backward(&k.gradients, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                sentence);
  CHECK_REFUSED(attend_attention_varlen_scratch_bytes(&k.tensors, NULL, 1, &bytes), ATTEND_INVALID_ARGUMENT,
                sentence);
  CHECK_REFUSED(attend_attention_varlen_backward_scratch_bytes(&k.gradients, NULL, 1, &bytes),
                ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_explain_varlen(&k.tensors, NULL, NULL, 0, &bytes), ATTEND_INVALID_ARGUMENT, sentence);
  check_nothing_written(&k);
}

static void offsets_that_do_not_fit_are_refused(void) {
  const int64_t late[] = {1, kTq, kTq, kTotalQ}, back[] = {0, kTq, kTq - 1, kTotalQ},
                beyond[] = {0, kTq, kTq, kTotalQ + 1}, far[] = {0, INT64_MAX, INT64_MIN, kTotalQ};
  check_starts_refused(NULL, 0, "query_starts is empty");
  check_starts_refused(NULL, kStarts, "query_starts is a null pointer, but query_starts_count is 4");
  check_starts_refused(kQueryStarts, 0, "query_starts is set, but query_starts_count is 0");
  check_starts_refused(late, kStarts, "query_starts[0] is 1, but must be 0");
  check_starts_refused(back, kStarts,
                       "query_starts[2] is 4, but must be at least query_starts[1], which is 5");
  check_starts_refused(far, kStarts, "query_starts[2] is -9223372036854775808");
  check_starts_refused(beyond, kStarts, "query_starts[3] is 11, but must be query axis total_q, which is 10");
  check_starts_refused(kQueryStarts + 2, kStarts - 2, "query_starts[0] is 5, but must be 0");
}

/* What the header says of offsets. */
static int fit(const int64_t* starts, int64_t total) {
  for (int s = 1; s < kStarts; ++s) {
    if (starts[s] < starts[s - 1]) return 0;
  }
  return starts[0] == 0 && starts[kStarts - 1] == total;
}

/* Offsets drawn from what is often right: those that fit are taken, all others refused. */
static void offsets_are_taken_exactly_where_they_fit(void) {
  static const int64_t numbers[] = {0,       0,           3,  kTq,       kTq,      kTotalQ,
                                    kTotalQ, kTotalQ + 1, -1, INT64_MAX, INT64_MIN};
  problem p;
  packed k;
  uint64_t state = 1;
  int taken = 0;
  enum { kRounds = 2000 };
  fill(&p);
  for (int round = 0; round < kRounds; ++round) {
    fill_packed(&k, &p);
    int64_t starts[kStarts] = {0, 0, 0, kTotalQ};
    for (int s = 0; s < kStarts; ++s) {
      state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's linear congruences */
      if (s % 3 != 0 || state >> 61 == 0)
        starts[s] = numbers[(state >> 33) % (sizeof numbers / sizeof *numbers)];
    }
    k.tensors.query_starts = k.gradients.query_starts = starts;
    const attend_code code = fit(starts, kTotalQ) ? ATTEND_OK : ATTEND_INVALID_ARGUMENT;
    CHECK(attend_attention_varlen(&k.tensors, NULL, NULL) == code);
    CHECK(attend_attention_varlen_backward(&k.gradients, NULL, NULL) == code);
    if (code == ATTEND_OK)
      ++taken;
    else
      check_nothing_written(&k);
  }
  CHECK(taken > kRounds / 20 && taken < kRounds / 2);
}

static void structs_that_do_not_fit_are_refused(void) {
  problem p;
  packed k;
  fill(&p);
  fill_packed(&k, &p);
  CHECK_REFUSED(attend_attention_varlen(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors is a null pointer");
  CHECK_REFUSED(attend_attention_varlen_backward(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors is a null pointer");
  k.tensors.size = k.gradients.size = 0;
  CHECK_REFUSED(attend_attention_varlen(&k.tensors, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors.size is 0");
  CHECK_REFUSED(attend_attention_varlen_backward(&k.gradients, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors.size is 0");
  fill_packed(&k, &p);
  k.tensors.query.shape[0] = kB;
  CHECK_REFUSED(attend_attention_varlen(&k.tensors, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "query axis B is 2, but must be 1");
  k.gradients.key_gradient.shape[2] -= 1;
  CHECK_REFUSED(attend_attention_varlen_backward(&k.gradients, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "key_gradient axis total_k is 15, but key axis total_k is 16");
  check_nothing_written(&k);
}

void test_varlen(void) {
  sequences_are_attention_of_their_own();
  options_have_one_number_a_sequence();
  gradients_are_those_of_each_sequence();
  scratch_and_threads_do_not_show();
  the_line_names_the_instruction_set();
  offsets_that_do_not_fit_are_refused();
  offsets_are_taken_exactly_where_they_fit();
  structs_that_do_not_fit_are_refused();
}
