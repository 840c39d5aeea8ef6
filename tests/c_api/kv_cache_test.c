#include <limits.h>
#include <math.h>
#include <string.h>

#include "check.h"

enum { kPageSize = 2, kCapacity = 7, kSequences = 3, kPages = 8 };

static attend_kv_cache* make(void) {
  const attend_kv_cache_options options = {.size = sizeof options,
                                           .sequences = kSequences,
                                           .capacity = kCapacity,
                                           .kv_heads = 1,
                                           .key_width = 1,
                                           .value_width = 1,
                                           .page_size = kPageSize,
                                           .pages = kPages};
  attend_kv_cache* cache = NULL;
  CHECK(attend_kv_cache_create(&options, &cache) == ATTEND_OK);
  return cache;
}

/* `count` tokens first, first + 1, ... for one sequence, key and value alike. */
static attend_code append_with(attend_kv_cache* cache, int32_t sequence, float first, int64_t count,
                               attend_executor* executor) {
  float numbers[16];
  for (int n = 0; n < 16; ++n) numbers[n] = first + (float)n;
  const attend_kv_tokens tokens = {.size = sizeof tokens,
                                   .key = attend_view_of(numbers, ATTEND_FLOAT32, 1, 1, count, 1),
                                   .value = attend_view_of(numbers, ATTEND_FLOAT32, 1, 1, count, 1)};
  const attend_resources resources = {.size = sizeof resources, .executor = executor};
  return attend_kv_cache_append(cache, &tokens, &sequence, 1, &resources);
}

static attend_code append(attend_kv_cache* cache, int32_t sequence, float first, int64_t count) {
  return append_with(cache, sequence, first, count, NULL);
}

static int64_t length(const attend_kv_cache* cache, int64_t sequence) {
  int64_t length = -1;
  CHECK(attend_kv_cache_length(cache, sequence, &length) == ATTEND_OK);
  return length;
}

/* The key of a token, by the block table. */
static float key_at(const attend_kv_cache* cache, int64_t sequence, int64_t token) {
  attend_kv_view view = {.size = sizeof view};
  CHECK(attend_kv_cache_view(cache, &view) == ATTEND_OK);
  const int64_t page = view.block_table[sequence * view.pages_per_sequence + token / kPageSize];
  const float* key = view.key.data;
  return key[page * view.key.stride[0] + token % kPageSize * view.key.stride[2]];
}

static void sequences_grow_share_and_are_cut(void) {
  attend_kv_cache* cache = make();
  CHECK(attend_kv_cache_free_pages(cache) == kPages);
  CHECK(attend_kv_cache_bytes(cache) >= 2 * kPages * kPageSize * sizeof(float));
  CHECK(append(cache, 1, 10, 3) == ATTEND_OK);
  CHECK(length(cache, 0) == 0 && length(cache, 1) == 3);
  CHECK(attend_kv_cache_free_pages(cache) == kPages - 2);
  CHECK(attend_kv_cache_share(cache, 1, 2, 3) == ATTEND_OK);
  CHECK(attend_kv_cache_free_pages(cache) == kPages - 2);
  CHECK(append(cache, 2, 20, 1) == ATTEND_OK); /* copies the page that both hold */
  CHECK(attend_kv_cache_free_pages(cache) == kPages - 3);
  CHECK(append(cache, 1, 30, 1) == ATTEND_OK);
  CHECK(key_at(cache, 1, 2) == 12 && key_at(cache, 1, 3) == 30);
  CHECK(key_at(cache, 2, 2) == 12 && key_at(cache, 2, 3) == 20);
  CHECK(attend_kv_cache_truncate(cache, 2, 1) == ATTEND_OK);
  CHECK(length(cache, 2) == 1 && attend_kv_cache_free_pages(cache) == kPages - 2);
  CHECK(attend_kv_cache_reset(cache) == ATTEND_OK);
  CHECK(length(cache, 1) == 0 && attend_kv_cache_free_pages(cache) == kPages);
  attend_kv_cache_destroy(cache);
}

static void a_row_appends_as_many_tokens_as_it_says(void) {
  attend_kv_cache* cache = make();
  const float numbers[] = {1, 2, NAN, 4, NAN, NAN, NAN, NAN, NAN};
  const int64_t counts[kSequences] = {2, 1, 0};
  attend_kv_tokens tokens = {.size = sizeof tokens,
                             .key = attend_view_of(numbers, ATTEND_FLOAT32, kSequences, 1, 3, 1),
                             .value = attend_view_of(numbers, ATTEND_FLOAT32, kSequences, 1, 3, 1),
                             .counts = counts,
                             .counts_count = kSequences};
  CHECK(attend_kv_cache_append(cache, &tokens, NULL, 0, NULL) == ATTEND_OK);
  CHECK(length(cache, 0) == 2 && length(cache, 1) == 1 && length(cache, 2) == 0);
  CHECK(key_at(cache, 0, 1) == 2 && key_at(cache, 1, 0) == 4);
  tokens.counts_count = 2;
  CHECK_REFUSED(attend_kv_cache_append(cache, &tokens, NULL, 0, NULL), ATTEND_INVALID_ARGUMENT,
                "counts has 2 numbers, but key axis B is 3");
  tokens.counts_count = 0;
  CHECK_REFUSED(attend_kv_cache_append(cache, &tokens, NULL, 0, NULL), ATTEND_INVALID_ARGUMENT,
                "counts is set, but counts_count is 0");
  tokens.counts_count = kSequences;
  const int32_t sequences[kSequences] = {2, 0, 1};
  CHECK_REFUSED(attend_kv_cache_append(cache, &tokens, sequences, 0, NULL), ATTEND_INVALID_ARGUMENT,
                "sequences is set, but sequences_count is 0");
  CHECK_REFUSED(attend_kv_cache_append(cache, &tokens, NULL, kSequences, NULL), ATTEND_INVALID_ARGUMENT,
                "sequences is a null pointer, but sequences_count is 3");
  CHECK(attend_kv_cache_append(cache, &tokens, sequences, kSequences, NULL) == ATTEND_OK);
  CHECK(length(cache, 0) == 3 && length(cache, 1) == 1 && length(cache, 2) == 2);
  attend_kv_cache_destroy(cache);
}

static void check_size_refused(attend_kv_cache_options options, attend_code code, const char* sentence) {
  attend_kv_cache* cache = NULL;
  CHECK_REFUSED(attend_kv_cache_create(&options, &cache), code, sentence);
  CHECK(cache == NULL);
}

static void sizes_that_no_cache_has_are_refused(void) {
  const attend_kv_cache_options valid = {
      .size = sizeof valid, .capacity = 8, .kv_heads = 2, .key_width = 4, .value_width = 4};
  attend_kv_cache_options o = valid;
  o.capacity = 0;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "capacity is 0, but must be in 1..");
  o = valid;
  o.sequences = -1;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "sequences is -1");
  o = valid;
  o.key_width = 1025;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "key_width is 1025, but must be in 1..1024");
  o = valid;
  o.page_size = INT64_MIN;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "page_size is -9223372036854775808");
  o = valid;
  o.dtype = ATTEND_BOOL;
  check_size_refused(o, ATTEND_UNSUPPORTED, "cache is bool");
  o.dtype = 77;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "cache has dtype 77, but must be in 0..5");
  o = valid;
  o.capacity = INT64_MAX / 2;
  check_size_refused(o, ATTEND_OUT_OF_MEMORY, "memory");
  o.page_size = 1;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "the largest block table");
  o = valid;
  o.pages = 1 << 25;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "pages is 33554432, but must be in 0..16777216");
  o.pages = 0;
  o.capacity = 1 << 25;
  o.page_size = 1;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "needs 33554432 pages to fill every sequence");
  o = valid;
  o.size = 3;
  check_size_refused(o, ATTEND_INVALID_ARGUMENT, "options.size is 3");
  CHECK_REFUSED(attend_kv_cache_create(&valid, NULL), ATTEND_INVALID_ARGUMENT, "cache is a null pointer");
  attend_kv_cache* cache = NULL;
  CHECK_REFUSED(attend_kv_cache_create(NULL, &cache), ATTEND_INVALID_ARGUMENT, "options is a null pointer");
}

static void run_nothing(void* user, int64_t count, attend_task task, void* context) {
  (void)user, (void)count, (void)task, (void)context;
}

static void an_executor_that_runs_nothing_leaves_a_cache_as_it_was(void) {
  attend_kv_cache* cache = make();
  attend_executor* idle = NULL;
  CHECK(attend_executor_create_custom(1, run_nothing, NULL, &idle) == ATTEND_OK);
  CHECK(append(cache, 0, 1, 3) == ATTEND_OK);
  CHECK(attend_kv_cache_share(cache, 0, 1, 3) == ATTEND_OK);
  for (int32_t sequence = 0; sequence < 3; ++sequence) {
    CHECK_REFUSED(append_with(cache, sequence, 9, 3, idle), ATTEND_INVALID_ARGUMENT,
                  "the executor ran 0 tasks, but was given 1; the outputs are undefined");
  }
  CHECK(length(cache, 0) == 3 && length(cache, 1) == 3 && length(cache, 2) == 0);
  CHECK(attend_kv_cache_free_pages(cache) == kPages - 2);
  for (int token = 0; token < 3; ++token) CHECK(key_at(cache, 1, token) == 1 + (float)token);
  CHECK(append(cache, 1, 4, 1) == ATTEND_OK); /* the two still share a page, which is copied */
  CHECK(attend_kv_cache_free_pages(cache) == kPages - 3);
  attend_executor_destroy(idle);
  attend_kv_cache_destroy(cache);
}

static void what_a_cache_cannot_do_leaves_it_as_it_was(void) {
  attend_kv_cache* cache = make();
  CHECK(append(cache, 0, 1, 5) == ATTEND_OK);
  CHECK_REFUSED(append(cache, 0, 1, 4), ATTEND_INVALID_ARGUMENT,
                "sequence 0 holds 5 tokens and is given 4 more, but its capacity is 7");
  CHECK_REFUSED(append(cache, 3, 1, 1), ATTEND_INVALID_ARGUMENT,
                "sequences[0] is 3, but the cache has 3 sequences");
  CHECK(append(cache, 1, 1, 7) == ATTEND_OK);
  CHECK_REFUSED(append(cache, 2, 1, 3), ATTEND_OUT_OF_MEMORY, "need 2 more pages, but the cache has 1 free");
  CHECK_REFUSED(attend_kv_cache_append(cache, NULL, NULL, 0, NULL), ATTEND_INVALID_ARGUMENT,
                "tokens is a null pointer");
  CHECK_REFUSED(attend_kv_cache_truncate(cache, 0, 6), ATTEND_INVALID_ARGUMENT,
                "length is 6, but sequence 0 holds 5 tokens");
  CHECK_REFUSED(attend_kv_cache_truncate(cache, -1, 0), ATTEND_INVALID_ARGUMENT, "sequence is -1");
  CHECK_REFUSED(attend_kv_cache_share(cache, 0, 9, 1), ATTEND_INVALID_ARGUMENT, "to is 9");
  CHECK_REFUSED(attend_kv_cache_share(cache, 0, 2, -1), ATTEND_INVALID_ARGUMENT, "length is -1");
  int64_t unchanged = 77;
  CHECK_REFUSED(attend_kv_cache_length(cache, INT64_MAX, &unchanged), ATTEND_INVALID_ARGUMENT,
                "sequence is 9223372036854775807, but the cache has 3 sequences");
  CHECK_REFUSED(attend_kv_cache_length(cache, 0, NULL), ATTEND_INVALID_ARGUMENT, "length is a null pointer");
  CHECK_REFUSED(attend_kv_cache_view(cache, NULL), ATTEND_INVALID_ARGUMENT, "view is a null pointer");
  CHECK(unchanged == 77 && length(cache, 0) == 5 && length(cache, 1) == 7 && length(cache, 2) == 0);
  for (int token = 0; token < 5; ++token) CHECK(key_at(cache, 0, token) == 1 + (float)token);
  attend_kv_cache_destroy(cache);
}

static void a_cache_that_is_none_is_refused(void) {
  int64_t unchanged = 77;
  attend_kv_view view = {.size = sizeof view};
  const char* sentence = "cache is a null pointer";
  CHECK_REFUSED(append(NULL, 0, 1, 1), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_kv_cache_truncate(NULL, 0, 0), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_kv_cache_share(NULL, 0, 0, 0), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_kv_cache_reset(NULL), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_kv_cache_length(NULL, 0, &unchanged), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK_REFUSED(attend_kv_cache_view(NULL, &view), ATTEND_INVALID_ARGUMENT, sentence);
  CHECK(attend_kv_cache_free_pages(NULL) == 0 && attend_kv_cache_bytes(NULL) == 0 && unchanged == 77);
  attend_kv_cache_destroy(NULL);
}

static void a_view_has_the_size_that_its_caller_knows(void) {
  attend_kv_cache* cache = make();
  attend_kv_view view;
  memset(&view, 0x7f, sizeof view);
  view.size = offsetof(attend_kv_view, sequences);
  CHECK(attend_kv_cache_view(cache, &view) == ATTEND_OK);
  CHECK(view.size == offsetof(attend_kv_view, sequences) && view.lengths_count == kSequences);
  CHECK(view.sequences_count == (size_t)0x7f7f7f7f7f7f7f7f); /* past its end */
  view.size = 1;
  CHECK_REFUSED(attend_kv_cache_view(cache, &view), ATTEND_INVALID_ARGUMENT, "view.size is 1");
  attend_kv_cache_destroy(cache);
}

void test_kv_cache(void) {
  sequences_grow_share_and_are_cut();
  a_row_appends_as_many_tokens_as_it_says();
  sizes_that_no_cache_has_are_refused();
  an_executor_that_runs_nothing_leaves_a_cache_as_it_was();
  what_a_cache_cannot_do_leaves_it_as_it_was();
  a_cache_that_is_none_is_refused();
  a_view_has_the_size_that_its_caller_knows();
}
