#include "attend/attend_rope.h"

#include <math.h>
#include <string.h>

#include "check.h"

static const double kTolerance = 1e-6; /* values in [-1, 1], a few float32 roundings */

enum { kPositions = 16, kPairs = 1 }; /* D is 3: one pair, and a feature that passes through */
typedef struct tables {
  float cos[kPositions * kPairs], sin[kPositions * kPairs];
  attend_rotation rope;
} tables;

static void fill_tables(tables* t) {
  const attend_rope_tables views = {
      .size = sizeof views,
      .cos = attend_mutable_view_of(t->cos, ATTEND_FLOAT32, 1, 1, kPositions, kPairs),
      .sin = attend_mutable_view_of(t->sin, ATTEND_FLOAT32, 1, 1, kPositions, kPairs)};
  const double frequency = 0.3;
  const attend_rope_table_options options = {
      .size = sizeof options, .frequencies = &frequency, .frequencies_count = kPairs};
  CHECK(attend_rope_table(&options, &views) == ATTEND_OK);
  t->rope = (attend_rotation){.layout = ATTEND_ROPE_HALF_SPLIT,
                              .cos = attend_view_of(t->cos, ATTEND_FLOAT32, 1, 1, kPositions, kPairs),
                              .sin = attend_view_of(t->sin, ATTEND_FLOAT32, 1, 1, kPositions, kPairs)};
}

static void tables_are_of_angles_that_grow_with_the_position(void) {
  enum { kP = 9, kR = 4 };
  double cosines[kP * kR], sines[kP * kR];
  const attend_rope_tables views = {.size = sizeof views,
                                    .cos = attend_mutable_view_of(cosines, ATTEND_FLOAT64, 1, 1, kP, kR),
                                    .sin = attend_mutable_view_of(sines, ATTEND_FLOAT64, 1, 1, kP, kR)};
  const attend_rope_table_options scaled = {
      .size = sizeof scaled, .base = 100, .position_scale = 0.5, .magnitude = 2};
  for (int n = 0; n < 2; ++n) {
    CHECK(attend_rope_table(n == 0 ? NULL : &scaled, &views) == ATTEND_OK);
    const double base = n == 0 ? 10000 : 100, scale = n == 0 ? 1 : 0.5, magnitude = n == 0 ? 1 : 2;
    for (int p = 0; p < kP; ++p) {
      for (int r = 0; r < kR; ++r) {
        const double angle = p * scale * pow(base, -(double)r / kR);
        CHECK(fabs(cosines[p * kR + r] - magnitude * cos(angle)) < 1e-14);
        CHECK(fabs(sines[p * kR + r] - magnitude * sin(angle)) < 1e-14);
      }
    }
  }
}

/* Rows [1, 2, 3, 4, 5, 6] at positions 3 and 0, in both layouts, and back again. */
static void rows_are_turned_in_pairs(void) {
  enum { kT = 2, kWidth = 6, kHalf = 2 };
  float c[4 * kHalf], s[4 * kHalf], rows[kT * kWidth], turned[kT * kWidth];
  for (int n = 0; n < 4 * kHalf; ++n) {
    c[n] = (float)cos(n);
    s[n] = (float)sin(n);
  }
  const int64_t positions[kT] = {3, 0};
  for (int n = 0; n < kT * kWidth; ++n) rows[n] = (float)(n % kWidth + 1);
  for (int layout = 0; layout < 2; ++layout) {
    attend_rope_options options = {.size = sizeof options,
                                   .rope = {.layout = layout,
                                            .cos = attend_view_of(c, ATTEND_FLOAT32, 1, 1, 4, kHalf),
                                            .sin = attend_view_of(s, ATTEND_FLOAT32, 1, 1, 4, kHalf)},
                                   .positions = positions,
                                   .positions_count = kT};
    attend_rope_tensors tensors = {
        .size = sizeof tensors,
        .input = attend_view_of(rows, ATTEND_FLOAT32, 1, 1, kT, kWidth),
        .output = attend_mutable_view_of(turned, ATTEND_FLOAT32, 1, 1, kT, kWidth)};
    CHECK(attend_rope(&tensors, &options, NULL) == ATTEND_OK);
    for (int t = 0; t < kT; ++t) {
      const float *x = rows + t * kWidth, *y = turned + t * kWidth;
      for (int r = 0; r < kHalf; ++r) {
        const int a = layout == ATTEND_ROPE_HALF_SPLIT ? r : 2 * r, b = a + (layout == 0 ? kHalf : 1);
        const double cosine = c[positions[t] * kHalf + r], sine = s[positions[t] * kHalf + r];
        CHECK(fabs(y[a] - (x[a] * cosine - x[b] * sine)) < 1e-5);
        CHECK(fabs(y[b] - (x[b] * cosine + x[a] * sine)) < 1e-5);
      }
      CHECK(y[4] == x[4] && y[5] == x[5]);
    }
    tensors.input = attend_view_of(turned, ATTEND_FLOAT32, 1, 1, kT, kWidth); /* in place */
    options.transposed = 1;
    CHECK(attend_rope(&tensors, &options, NULL) == ATTEND_OK);
    for (int n = 0; n < kT * kWidth; ++n) CHECK(fabsf(turned[n] - rows[n]) < 1e-5f);
  }
}

/* [B, H, T, D] at positions that begin at `first`. */
static void turn(float* rows, int64_t heads, int64_t T, const attend_rotation* rope, int64_t first,
                 int transposed) {
  int64_t positions[kTk];
  for (int64_t t = 0; t < T; ++t) positions[t] = first + t;
  const attend_rope_options options = {.size = sizeof options,
                                       .rope = *rope,
                                       .positions = positions,
                                       .positions_count = (size_t)T,
                                       .transposed = transposed};
  const attend_rope_tensors tensors = {
      .size = sizeof tensors,
      .input = attend_view_of(rows, ATTEND_FLOAT32, kB, heads, T, kD),
      .output = attend_mutable_view_of(rows, ATTEND_FLOAT32, kB, heads, T, kD)};
  CHECK(attend_rope(&tensors, &options, NULL) == ATTEND_OK);
}

static void check_near(const float* a, const float* b, size_t count) {
  for (size_t n = 0; n < count; ++n) CHECK(fabsf(a[n] - b[n]) < kTolerance);
}
#define CHECK_NEAR(a, b) check_near((a), (b), sizeof(a) / sizeof *(a))

/* What p computes on rows as given is what `turned` computes on rows that were turned beforehand. */
static void check_attention(const attend_rotation* rope, const int64_t* query_positions,
                            const int64_t* key_positions, int64_t first_query, int64_t first_key) {
  problem p, turned;
  fill(&p);
  fill(&turned);
  const attend_attention_options options = {.size = sizeof options,
                                            .causal = ATTEND_CAUSAL_LOWER_RIGHT,
                                            .rope = *rope,
                                            .query_positions = query_positions,
                                            .query_positions_count = query_positions == NULL ? 0 : kTq,
                                            .key_positions = key_positions,
                                            .key_positions_count = key_positions == NULL ? 0 : kTk};
  attend_attention_options plain = {.size = sizeof plain, .causal = ATTEND_CAUSAL_LOWER_RIGHT};
  turn(turned.query, kHq, kTq, rope, first_query, 0);
  turn(turned.key, kHkv, kTk, rope, first_key, 0);
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention(&turned.tensors, &plain, NULL) == ATTEND_OK);
  CHECK_NEAR(p.output, turned.output);
  CHECK_NEAR(p.lse, turned.lse);
  CHECK(attend_attention_backward(&p.gradients, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&turned.gradients, &plain, NULL) == ATTEND_OK);
  turn(turned.query_gradient, kHq, kTq, rope, first_query, 1);
  turn(turned.key_gradient, kHkv, kTk, rope, first_key, 1);
  CHECK_NEAR(p.query_gradient, turned.query_gradient);
  CHECK_NEAR(p.key_gradient, turned.key_gradient);
  CHECK_NEAR(p.value_gradient, turned.value_gradient);
}

static void attention_turns_queries_and_keys(void) {
  tables t;
  fill_tables(&t);
  check_attention(&t.rope, NULL, NULL, kTk - kTq, 0);
  const int64_t queries[kTq] = {4, 5, 6, 7, 8}, keys[kTk] = {9, 10, 11, 12, 13, 14, 15};
  check_attention(&t.rope, queries, keys, 4, 9);
  t.rope.layout = ATTEND_ROPE_INTERLEAVED; /* of one pair: (0, 1) in both */
  check_attention(&t.rope, NULL, keys, kTk - kTq, 9);
}

static void decoding_finds_keys_that_were_turned(void) {
  problem p;
  tables t;
  fill(&p);
  fill_tables(&t);
  attend_attention_options options = {
      .size = sizeof options, .causal = ATTEND_CAUSAL_LOWER_RIGHT, .rope = t.rope};
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  const attend_kv_cache_options size = {.size = sizeof size,
                                        .sequences = kB,
                                        .capacity = kTk,
                                        .kv_heads = kHkv,
                                        .key_width = kD,
                                        .value_width = kDv,
                                        .page_size = 3};
  attend_kv_cache* cache = NULL;
  CHECK(attend_kv_cache_create(&size, &cache) == ATTEND_OK);
  const int64_t far[kTk] = {0, 1, 2, 3, 4, 5, kPositions};
  attend_kv_tokens tokens = {.size = sizeof tokens,
                             .key = p.tensors.key,
                             .value = p.tensors.value,
                             .rope = t.rope,
                             .key_positions = far,
                             .key_positions_count = kTk};
  CHECK_REFUSED(attend_kv_cache_append(cache, &tokens, NULL, 0, NULL), ATTEND_INVALID_ARGUMENT,
                "key 6 of batch row 0 has position 16, but rope.cos axis P is 16");
  tokens.key_positions = NULL;
  tokens.key_positions_count = 0;
  CHECK(attend_kv_cache_append(cache, &tokens, NULL, 0, NULL) == ATTEND_OK);
  attend_kv_view view = {.size = sizeof view};
  CHECK(attend_kv_cache_view(cache, &view) == ATTEND_OK);
  float output[kB * kHq * kTq * kDv];
  const attend_decode_tensors tensors = {
      .size = sizeof tensors,
      .query = p.tensors.query,
      .cache = &view,
      .output = attend_mutable_view_of(output, ATTEND_FLOAT32, kB, kHq, kTq, kDv)};
  attend_decode_options decode = {.size = sizeof decode, .rope = t.rope};
  CHECK(attend_attention_decode(&tensors, &decode, NULL) == ATTEND_OK);
  CHECK_NEAR(output, p.output);
  const int64_t elsewhere[kTq] = {7, 1, 0, 9, 3};
  options.query_positions = decode.query_positions = elsewhere;
  options.query_positions_count = decode.query_positions_count = kTq;
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_decode(&tensors, &decode, NULL) == ATTEND_OK);
  CHECK_NEAR(output, p.output);
  attend_kv_cache_destroy(cache);
}

/* A caller that was compiled before there was `rope`: what lies behind its struct is not looked at. */
static void older_callers_are_understood(void) {
  problem p, older;
  fill(&p);
  fill(&older);
  attend_attention_options options;
  memset(&options, 0x7f, sizeof options);
  memset(&options, 0, offsetof(attend_attention_options, rope));
  options.size = offsetof(attend_attention_options, rope);
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention(&older.tensors, &options, NULL) == ATTEND_OK);
  CHECK(memcmp(p.output, older.output, sizeof p.output) == 0);
}

static void check_options_refused(const attend_attention_options* options, const char* sentence) {
  problem p;
  fill(&p);
  CHECK_REFUSED(attend_attention(&p.tensors, options, NULL), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_attention_backward(&p.gradients, options, NULL), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK(isnan(p.output[0]) && isnan(p.query_gradient[0]));
}

static void options_that_do_not_fit_are_refused(void) {
  tables t;
  fill_tables(&t);
  const int64_t positions[kTk] = {-1};
  attend_attention_options options = {.size = sizeof options, .rope = {.layout = 1}};
  check_options_refused(&options, "rope.layout is 1, but rope.cos is a null pointer");
  options.rope = t.rope;
  options.rope.layout = 2;
  check_options_refused(&options, "rope.layout is 2, but must be in 0..1");
  options.rope = t.rope;
  options.rope.sin = (attend_view){0};
  check_options_refused(&options, "rope.sin is a null pointer");
  options.rope = t.rope;
  options.rope.cos.shape[3] = options.rope.sin.shape[3] = 2;
  check_options_refused(&options, "rope.cos axis R/2 is 2, of two features each, but query axis D is 3");
  options.rope = t.rope;
  options.rope.cos.shape[2] = options.rope.sin.shape[2] = kTk - 1;
  check_options_refused(&options, "query 4 of batch row 0 has position 6, but rope.cos axis P is 6");
  options.rope = t.rope;
  options.query_positions = positions;
  check_options_refused(&options, "query_positions is set, but query_positions_count is 0");
  options.query_positions_count = 2;
  check_options_refused(&options, "query_positions has 2 numbers, but must have 5");
  options.query_positions_count = kTq;
  check_options_refused(&options, "query 0 of batch row 0 has position -1, but positions begin at 0");
  options.rope = (attend_rotation){0};
  check_options_refused(&options, "query_positions has 5 numbers, but rope is absent");
}

static void operations_that_do_not_fit_are_refused(void) {
  tables t;
  problem p;
  fill(&p);
  fill_tables(&t);
  attend_rope_tensors tensors = {
      .size = sizeof tensors,
      .input = p.tensors.query,
      .output = attend_mutable_view_of(p.query_gradient, ATTEND_FLOAT32, kB, kHq, kTq, kD)};
  attend_rope_options options = {.size = sizeof options, .rope = t.rope, .transposed = 2};
  CHECK_REFUSED(attend_rope(NULL, &options, NULL), ATTEND_INVALID_ARGUMENT, "tensors is a null pointer");
  CHECK_REFUSED(attend_rope(&tensors, NULL, NULL), ATTEND_INVALID_ARGUMENT, "options is a null pointer");
  CHECK_REFUSED(attend_rope(&tensors, &options, NULL), ATTEND_INVALID_ARGUMENT, "transposed is 2");
  options.transposed = 0;
  tensors.output.shape[2] = kTq - 1;
  CHECK_REFUSED(attend_rope(&tensors, &options, NULL), ATTEND_INVALID_ARGUMENT,
                "output axis T is 4, but input axis T is 5");
  CHECK(isnan(p.query_gradient[0]));
  attend_rope_tables views = {.size = sizeof views,
                              .cos = attend_mutable_view_of(t.cos, ATTEND_FLOAT32, 1, 1, kPositions, kPairs),
                              .sin = attend_mutable_view_of(t.sin, ATTEND_FLOAT32, 1, 1, kPositions, kPairs)};
  attend_rope_table_options table = {.size = sizeof table, .base = -1};
  CHECK_REFUSED(attend_rope_table(&table, &views), ATTEND_INVALID_ARGUMENT, "base is -1");
  table.base = 0;
  table.magnitude = NAN;
  CHECK_REFUSED(attend_rope_table(&table, &views), ATTEND_INVALID_ARGUMENT, "magnitude is nan");
  views.sin.shape[2] -= 1;
  CHECK_REFUSED(attend_rope_table(NULL, &views), ATTEND_INVALID_ARGUMENT,
                "sin axis P is 15, but cos axis P is 16");
  CHECK_REFUSED(attend_rope_table(NULL, NULL), ATTEND_INVALID_ARGUMENT, "tables is a null pointer");
}

void test_rope(void) {
  tables_are_of_angles_that_grow_with_the_position();
  rows_are_turned_in_pairs();
  attention_turns_queries_and_keys();
  decoding_finds_keys_that_were_turned();
  older_callers_are_understood();
  options_that_do_not_fit_are_refused();
  operations_that_do_not_fit_are_refused();
}
