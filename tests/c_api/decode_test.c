#include "attend/attend_decode.h"

#include <math.h>
#include <string.h>

#include "check.h"

static const double kTolerance = 1e-6; /* values in [-1, 1], a few float32 roundings */

static attend_kv_cache_options size_of_cache(int32_t dtype, int64_t page_size) {
  return (attend_kv_cache_options){.size = sizeof(attend_kv_cache_options),
                                   .sequences = kB,
                                   .capacity = 12,
                                   .kv_heads = kHkv,
                                   .key_width = kD,
                                   .value_width = kDv,
                                   .dtype = dtype,
                                   .page_size = page_size};
}

/* Tokens [first, end) of a problem's keys and values. */
static attend_kv_tokens tokens_of(const problem* p, int64_t first, int64_t end) {
  attend_kv_tokens tokens = {.size = sizeof tokens, .key = p->tensors.key, .value = p->tensors.value};
  tokens.key.data = p->key + first * kD;
  tokens.value.data = p->value + first * kDv;
  tokens.key.shape[2] = tokens.value.shape[2] = end - first;
  return tokens;
}

/* A cache that holds a problem's keys and values, appended in two parts. */
static attend_kv_cache* cache_of(const problem* p, int32_t dtype, int64_t page_size) {
  const attend_kv_cache_options size = size_of_cache(dtype, page_size);
  attend_kv_cache* cache = NULL;
  CHECK(attend_kv_cache_create(&size, &cache) == ATTEND_OK);
  const attend_kv_tokens first = tokens_of(p, 0, 4), rest = tokens_of(p, 4, kTk);
  CHECK(attend_kv_cache_append(cache, &first, NULL, 0, NULL) == ATTEND_OK);
  CHECK(attend_kv_cache_append(cache, &rest, NULL, 0, NULL) == ATTEND_OK);
  return cache;
}

static attend_kv_view view_of(const attend_kv_cache* cache) {
  attend_kv_view view = {.size = sizeof view};
  CHECK(attend_kv_cache_view(cache, &view) == ATTEND_OK);
  return view;
}

/* The problem's queries over a view. */
static attend_decode_tensors decode_of(const problem* p, const attend_kv_view* view) {
  return (attend_decode_tensors){.size = sizeof(attend_decode_tensors),
                                 .query = p->tensors.query,
                                 .cache = view,
                                 .output = p->tensors.output,
                                 .lse = p->tensors.lse};
}

/* Decoding with these options is what plain loops make of these rules. */
static void check_decode(const attend_decode_options* options, const rules* rule) {
  for (int64_t page_size = 0; page_size < 5; page_size += 2) {
    problem p;
    fill(&p);
    attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, page_size);
    const attend_kv_view view = view_of(cache);
    const attend_decode_tensors tensors = decode_of(&p, &view);
    CHECK(attend_attention_decode(&tensors, options, NULL) == ATTEND_OK);
    CHECK(largest_error(&p, rule) < kTolerance);
    attend_kv_cache_destroy(cache);
  }
}

static rules causal_rules(void) {
  rules rule = plain_rules();
  rule.offset = kTk - kTq;
  return rule;
}

static void queries_stand_at_the_end_unless_told_otherwise(void) {
  rules rule = causal_rules();
  check_decode(NULL, &rule);
  int32_t causal = ATTEND_CAUSAL_LOWER_RIGHT;
  const attend_decode_options options = {.size = sizeof options, .causal = &causal};
  check_decode(&options, &rule);
  causal = ATTEND_CAUSAL_UPPER_LEFT;
  rule.offset = 0;
  check_decode(&options, &rule);
  causal = ATTEND_CAUSAL_NONE;
  rule = plain_rules();
  check_decode(&options, &rule);
}

static void every_option_does_what_it_says(void) {
  const float scale = 0.3f, slopes[kHq] = {0.5f, 0.25f, 0.125f, 0.0625f}, sinks[kHq] = {0, 1, -1, 0.5f};
  const attend_window window = {.left = 2, .right = -1};
  rules rule = causal_rules();
  attend_decode_options options = {.size = sizeof options, .scale = &scale};
  rule.scale = scale;
  check_decode(&options, &rule);
  options.window = &window;
  rule.left = window.left;
  check_decode(&options, &rule);
  options.softcap = 0.7f;
  rule.softcap = 0.7f;
  check_decode(&options, &rule);
  options.alibi_slopes = attend_view_of(slopes, ATTEND_FLOAT32, 1, kHq, 1, 1);
  rule.slopes = slopes;
  check_decode(&options, &rule);
  options.sinks = attend_view_of(sinks, ATTEND_FLOAT32, 1, kHq, 1, 1);
  rule.sinks = sinks;
  check_decode(&options, &rule);
}

static void what_is_stored_narrower_is_near(void) {
  const int32_t types[] = {ATTEND_BFLOAT16, ATTEND_FLOAT16, ATTEND_INT8};
  /* Rounding a key and a value by u changes a weighted mean of numbers in [-1, 1] by less than 8 u. */
  const double bounds[] = {8.0 / 256, 8.0 / 2048, 8.0 / 253};
  for (int n = 0; n < 3; ++n) {
    problem p;
    fill(&p);
    attend_kv_cache* cache = cache_of(&p, types[n], 4);
    const attend_kv_view view = view_of(cache);
    CHECK((view.key_scale.data != NULL) == (types[n] == ATTEND_INT8));
    const attend_decode_tensors tensors = decode_of(&p, &view);
    CHECK(attend_attention_decode(&tensors, NULL, NULL) == ATTEND_OK);
    const rules rule = causal_rules();
    const double error = largest_error(&p, &rule);
    CHECK(error > 0 && error < bounds[n]);
    attend_kv_cache_destroy(cache);
  }
}

static void rows_have_as_many_queries_as_they_say(void) {
  problem p, whole;
  fill(&p);
  fill(&whole);
  attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, 4);
  const attend_kv_view view = view_of(cache);
  const int64_t counts[kB] = {kTq, 0};
  const attend_decode_options options = {
      .size = sizeof options, .query_counts = counts, .query_counts_count = kB};
  const attend_decode_tensors tensors = decode_of(&p, &view), all = decode_of(&whole, &view);
  CHECK(attend_attention_decode(&tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_decode(&all, NULL, NULL) == ATTEND_OK);
  const int row = kHq * kTq * kDv;
  CHECK(memcmp(p.output, whole.output, (size_t)row * sizeof(float)) == 0);
  for (int n = row; n < kB * row; ++n) CHECK(p.output[n] == 0);
  for (int n = kHq * kTq; n < kB * kHq * kTq; ++n) CHECK(p.lse[n] == -INFINITY);
  attend_kv_cache_destroy(cache);
}

static void scratch_and_threads_change_nothing(void) {
  problem serial, other;
  fill(&serial);
  fill(&other);
  attend_kv_cache* cache = cache_of(&serial, ATTEND_FLOAT32, 4);
  const attend_kv_view view = view_of(cache);
  const attend_decode_tensors plain = decode_of(&serial, &view), threaded = decode_of(&other, &view);
  static _Alignas(64) unsigned char scratch[1 << 20];
  size_t bytes = 0;
  CHECK(attend_attention_decode_scratch_bytes(&threaded, NULL, 2, &bytes) == ATTEND_OK);
  CHECK(bytes > 0 && bytes <= sizeof scratch);
  attend_executor* executor = NULL;
  CHECK(attend_executor_create(ATTEND_EXECUTOR_THREADS, 2, &executor) == ATTEND_OK);
  attend_resources resources = {
      .size = sizeof resources, .executor = executor, .scratch = scratch, .scratch_bytes = bytes};
  CHECK(attend_attention_decode(&plain, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention_decode(&threaded, NULL, &resources) == ATTEND_OK);
  CHECK(memcmp(serial.output, other.output, sizeof serial.output) == 0);
  CHECK(memcmp(serial.lse, other.lse, sizeof serial.lse) == 0);
  resources.scratch_bytes = bytes - 1;
  CHECK_REFUSED(attend_attention_decode(&threaded, NULL, &resources), ATTEND_INVALID_ARGUMENT, "scratch has");
  attend_executor_destroy(executor);
  attend_kv_cache_destroy(cache);
}

static void every_instruction_set_can_be_pinned(void) {
  problem p;
  fill(&p);
  attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, 4);
  const attend_kv_view view = view_of(cache);
  const attend_decode_tensors tensors = decode_of(&p, &view);
  const rules rule = causal_rules();
  for (size_t n = 0; n < attend_isa_count(); ++n) {
    const attend_decode_options options = {.size = sizeof options, .isa = attend_isa_name(n)};
    char line[512];
    size_t length = 0;
    memset(p.output, 0xff, sizeof p.output);
    CHECK(attend_attention_decode(&tensors, &options, NULL) == ATTEND_OK);
    CHECK(largest_error(&p, &rule) < kTolerance);
    CHECK(attend_explain_decode(&tensors, &options, line, sizeof line, &length) == ATTEND_OK);
    CHECK(strstr(line, options.isa) != NULL && length == strlen(line));
  }
  attend_kv_cache_destroy(cache);
}

static void the_callers_own_pages_give_the_same_bits(void) {
  problem p, paged;
  fill(&p);
  fill(&paged);
  attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, 4);
  const attend_kv_view theirs = view_of(cache);
  const attend_decode_tensors reference = decode_of(&p, &theirs);
  CHECK(attend_attention_decode(&reference, NULL, NULL) == ATTEND_OK);

  enum { kPages = 6, kPageSize = 4, kEach = 3 };
  float key[kPages * kHkv * kPageSize * kD], value[kPages * kHkv * kPageSize * kDv];
  memset(key, 0xff, sizeof key); /* NaN: what no page holds may be anything */
  memset(value, 0xff, sizeof value);
  const int32_t table[kB * kEach] = {5, 2, -1, 0, 3, 1000};
  int64_t lengths[kB] = {0, 0};
  const attend_mutable_kv_view written = {
      .size = sizeof written,
      .key = attend_mutable_view_of(key, ATTEND_FLOAT32, kPages, kHkv, kPageSize, kD),
      .value = attend_mutable_view_of(value, ATTEND_FLOAT32, kPages, kHkv, kPageSize, kDv),
      .block_table = table,
      .block_table_count = kB * kEach,
      .pages_per_sequence = kEach,
      .lengths = lengths,
      .lengths_count = kB};
  const attend_kv_tokens tokens = tokens_of(&p, 0, kTk);
  CHECK(attend_kv_append(&tokens, &written, NULL) == ATTEND_OK);
  lengths[0] = lengths[1] = kTk;
  const attend_kv_view read = {.size = sizeof read,
                               .key = attend_view_of(key, ATTEND_FLOAT32, kPages, kHkv, kPageSize, kD),
                               .value = attend_view_of(value, ATTEND_FLOAT32, kPages, kHkv, kPageSize, kDv),
                               .block_table = table,
                               .block_table_count = kB * kEach,
                               .pages_per_sequence = kEach,
                               .lengths = lengths,
                               .lengths_count = kB};
  const attend_decode_tensors tensors = decode_of(&paged, &read);
  CHECK(attend_attention_decode(&tensors, NULL, NULL) == ATTEND_OK);
  CHECK(memcmp(p.output, paged.output, sizeof p.output) == 0);
  /* One more token would go to the page after next. */
  lengths[1] = 8;
  CHECK_REFUSED(attend_kv_append(&tokens, &written, NULL), ATTEND_INVALID_ARGUMENT, "its capacity is 12");
  const attend_kv_tokens one = tokens_of(&p, 0, 1);
  CHECK_REFUSED(attend_kv_append(&one, &written, NULL), ATTEND_INVALID_ARGUMENT,
                "cache block_table[1, 2] is page 1000, but cache key axis pages is 6");
  attend_kv_cache_destroy(cache);
}

/* The attention of every query to keys [first, end). */
static void attend_to_some(problem* p, int64_t first, int64_t end) {
  p->tensors.key.data = p->key + first * kD;
  p->tensors.value.data = p->value + first * kDv;
  p->tensors.key.shape[2] = p->tensors.value.shape[2] = end - first;
  p->tensors.weights = (attend_mutable_view){0};
  CHECK(attend_attention(&p->tensors, NULL, NULL) == ATTEND_OK);
}

static attend_view read_only(attend_mutable_view view) {
  attend_view read = {.data = view.data, .dtype = view.dtype};
  memcpy(read.shape, view.shape, sizeof read.shape);
  memcpy(read.stride, view.stride, sizeof read.stride);
  return read;
}

static attend_merge_tensors merge_of(const problem* first, const problem* second) {
  return (attend_merge_tensors){.size = sizeof(attend_merge_tensors),
                                .first_output = read_only(first->tensors.output),
                                .first_lse = read_only(first->tensors.lse),
                                .second_output = read_only(second->tensors.output),
                                .second_lse = read_only(second->tensors.lse),
                                .output = first->tensors.output,
                                .lse = first->tensors.lse};
}

static void two_sets_of_keys_merge_into_one(void) {
  problem first, second, whole;
  fill(&first);
  fill(&second);
  fill(&whole);
  attend_to_some(&first, 0, 3);
  attend_to_some(&second, 3, kTk);
  attend_to_some(&whole, 0, kTk);
  const attend_merge_tensors tensors = merge_of(&first, &second);
  CHECK(attend_merge(&tensors, NULL) == ATTEND_OK);
  const rules rule = plain_rules();
  CHECK(largest_error(&first, &rule) < kTolerance);
  for (int n = 0; n < kB * kHq * kTq; ++n) CHECK(fabs(first.lse[n] - whole.lse[n]) < kTolerance);
}

static void merging_refuses_parts_that_do_not_fit(void) {
  problem first, second;
  fill(&first);
  fill(&second);
  CHECK_REFUSED(attend_merge(NULL, NULL), ATTEND_INVALID_ARGUMENT, "tensors is a null pointer");
  attend_merge_tensors t = merge_of(&first, &second);
  t.second_output.shape[2] = kTq - 1;
  CHECK_REFUSED(attend_merge(&t, NULL), ATTEND_INVALID_ARGUMENT,
                "second output axis T is 4, but output axis T is 5");
  t = merge_of(&first, &second);
  t.first_lse.dtype = ATTEND_FLOAT64;
  CHECK_REFUSED(attend_merge(&t, NULL), ATTEND_INVALID_ARGUMENT, "first lse is float64");
  t.first_lse.dtype = 6;
  CHECK_REFUSED(attend_merge(&t, NULL), ATTEND_INVALID_ARGUMENT,
                "first lse has dtype 6, but must be in 0..5");
  t = merge_of(&first, &second);
  t.output.data = second.output + 1;
  CHECK_REFUSED(attend_merge(&t, NULL), ATTEND_INVALID_ARGUMENT, "output overlaps second output");
  t = merge_of(&first, &second);
  t.output.dtype = t.first_output.dtype = t.second_output.dtype = ATTEND_INT8;
  CHECK_REFUSED(attend_merge(&t, NULL), ATTEND_UNSUPPORTED, "output is int8");
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) CHECK(isnan(first.output[n]) && isnan(second.output[n]));
}

static void what_does_not_fit_the_cache_is_named(void) {
  problem p;
  fill(&p);
  attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, 4);
  attend_kv_view view = view_of(cache);
  const attend_decode_tensors valid = decode_of(&p, &view);
  attend_decode_tensors t = valid;
  CHECK_REFUSED(attend_attention_decode(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors is a null pointer");
  t.cache = NULL;
  CHECK_REFUSED(attend_attention_decode(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "cache is a null pointer");
  t = valid;
  t.query.shape[3] = kD + 1;
  CHECK_REFUSED(attend_attention_decode(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "query axis D is 4, but cache key axis D is 3");
  t = valid;
  t.query.shape[0] = kB + 1;
  CHECK_REFUSED(attend_attention_decode(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "query axis B is 3, but the cache is given 2 sequences");
  t = valid;
  t.query.dtype = 9;
  CHECK_REFUSED(attend_attention_decode(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "query has dtype 9");
  t = valid;
  t.output.data = p.query;
  CHECK_REFUSED(attend_attention_decode(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "output overlaps query");
  view.size = 0;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT, "cache.size is 0");
  view = view_of(cache);
  view.pages_per_sequence = -3;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "cache pages_per_sequence is -3");
  view = view_of(cache);
  const int32_t sequences[kB] = {1, 2};
  view.sequences = sequences;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "sequences is set, but sequences_count is 0");
  view.sequences_count = kB;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "sequences[1] is 2, but the cache has 2 sequences");
  view = view_of(cache);
  view.lengths = NULL;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "lengths is a null pointer, but lengths_count is 2");
  view = view_of(cache);
  view.key.dtype = ATTEND_INT8;
  CHECK_REFUSED(attend_attention_decode(&valid, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "cache value is float32, but cache key is int8");
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) CHECK(isnan(p.output[n]));
  attend_kv_cache_destroy(cache);
}

static void options_that_mean_nothing_over_a_cache_are_named(void) {
  problem p;
  fill(&p);
  attend_kv_cache* cache = cache_of(&p, ATTEND_FLOAT32, 4);
  const attend_kv_view view = view_of(cache);
  const attend_decode_tensors t = decode_of(&p, &view);
  const float not_a_number = NAN;
  const int64_t counts[kB] = {1, kTq + 1};
  const attend_window window = {.left = -1, .right = -9};
  int32_t causal = 4;
  attend_decode_options o = {.size = sizeof o, .causal = &causal};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT,
                "causal is 4, but must be in 0..3");
  causal = ATTEND_CAUSAL_QUERY_OFFSET;
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "causal must be none");
  o = (attend_decode_options){.size = sizeof o, .scale = &not_a_number};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "scale is");
  o = (attend_decode_options){.size = sizeof o, .softcap = -2};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "softcap is -2");
  o = (attend_decode_options){.size = sizeof o, .window = &window};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "window.right is -9");
  o = (attend_decode_options){.size = sizeof o, .query_counts = counts, .query_counts_count = kB};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "query_counts[1] is 6");
  o.query_counts_count = 1;
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT,
                "query_counts has 1 numbers, but query axis B is 2");
  o = (attend_decode_options){.size = sizeof o, .isa = "mmx"};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "isa is \"mmx\"");
  o = (attend_decode_options){.size = sizeof o, .sinks = attend_view_of(p.query, ATTEND_FLOAT32, 1, 3, 1, 1)};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "sinks axis Hq is 3");
  o = (attend_decode_options){.size = sizeof o,
                              .alibi_slopes = attend_view_of(&not_a_number, ATTEND_FLOAT32, 1, 1, 1, 1)};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "alibi_slopes[0, 0] is");
  o = (attend_decode_options){0};
  CHECK_REFUSED(attend_attention_decode(&t, &o, NULL), ATTEND_INVALID_ARGUMENT, "options.size is 0");
  size_t bytes = 12345;
  CHECK_REFUSED(attend_attention_decode_scratch_bytes(&t, NULL, 1, NULL), ATTEND_INVALID_ARGUMENT,
                "bytes is a null pointer");
  CHECK_REFUSED(attend_attention_decode_scratch_bytes(&t, NULL, 0, &bytes), ATTEND_INVALID_ARGUMENT,
                "workers is 0");
  CHECK_REFUSED(attend_attention_decode_scratch_bytes(&t, &o, 1, &bytes), ATTEND_INVALID_ARGUMENT,
                "options.size is 0");
  CHECK_REFUSED(attend_explain_decode(&t, NULL, NULL, 3, NULL), ATTEND_INVALID_ARGUMENT,
                "line is a null pointer, but capacity is 3");
  CHECK(bytes == 12345);
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) CHECK(isnan(p.output[n]));
  attend_kv_cache_destroy(cache);
}

void test_decode(void) {
  queries_stand_at_the_end_unless_told_otherwise();
  every_option_does_what_it_says();
  what_is_stored_narrower_is_near();
  rows_have_as_many_queries_as_they_say();
  scratch_and_threads_change_nothing();
  every_instruction_set_can_be_pinned();
  the_callers_own_pages_give_the_same_bits();
  two_sets_of_keys_merge_into_one();
  merging_refuses_parts_that_do_not_fit();
  what_does_not_fit_the_cache_is_named();
  options_that_mean_nothing_over_a_cache_are_named();
}
