#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Every refusal leaves the outputs as they were: NaN from the first to the last. */
static void check_untouched(const problem* p) {
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) CHECK(isnan(p->output[n]));
  for (int n = 0; n < kB * kHq * kTq; ++n) CHECK(isnan(p->lse[n]));
  for (int n = 0; n < kB * kHq * kTq * kD; ++n) CHECK(isnan(p->query_gradient[n]));
}

static void tensors_that_disagree_are_named(void) {
  problem p;
  fill(&p);
  CHECK_REFUSED(attend_attention(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT, "tensors is a null pointer");
  attend_attention_tensors t = p.tensors;
  t.key.shape[3] = kD + 1;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "key axis D is 4, but query axis D is 3");
  t = p.tensors;
  t.value.shape[2] = -7;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "value axis Tk is -7");
  t = p.tensors;
  t.query.stride[3] = 2;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "query axis D has stride 2");
  t = p.tensors;
  t.query.dtype = 17;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "query has dtype 17, but must be in 0..5");
  t = p.tensors;
  t.query.dtype = ATTEND_INT8;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_UNSUPPORTED, "query is int8");
  t = p.tensors;
  t.output.data = p.query;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "overlap");
  t = p.tensors;
  t.value.data = NULL;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "value is a null pointer");
  t = p.tensors;
  t.lse.data = NULL;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT, "lse is a null pointer");
  t.lse.shape[1] = 9;
  CHECK_REFUSED(attend_attention(&t, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "lse axis Hq is 9, but query axis Hq is 4");
  attend_attention_gradient_tensors g = p.gradients;
  g.lse.shape[2] = kTq + 1;
  CHECK_REFUSED(attend_attention_backward(&g, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "lse axis Tq is 6, but query axis Tq is 5");
  g = p.gradients;
  g.key_gradient.dtype = -1;
  CHECK_REFUSED(attend_attention_backward(&g, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "key_gradient has dtype -1");
  CHECK_REFUSED(attend_attention_backward(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT,
                "tensors is a null pointer");
  check_untouched(&p);
}

static void options_that_mean_nothing_are_named(void) {
  problem p;
  fill(&p);
  const float not_a_number = NAN;
  const int64_t lengths[kB] = {3, 8};
  const unsigned char mask[kTq * kTk] = {0};
  attend_attention_options o = {.size = sizeof o, .scale = &not_a_number};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "scale is");
  o = (attend_attention_options){.size = sizeof o, .causal = 77};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "causal is 77");
  o = (attend_attention_options){.size = sizeof o, .isa = "mmx"};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT,
                "isa is \"mmx\", which names no instruction set");
  o = (attend_attention_options){.size = sizeof o, .isa = "neon"};
  if (strcmp(attend_isa_name(0), "neon") != 0) {
    CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_UNSUPPORTED, "isa neon");
  }
  o = (attend_attention_options){.size = sizeof o, .kv_lengths = lengths, .kv_lengths_count = kB};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "kv_lengths[1] is 8");
  o.kv_lengths_count = 0;
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "kv_lengths_count is 0");
  o.kv_lengths = NULL;
  o.kv_lengths_count = kB;
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT,
                "kv_lengths is a null pointer");
  o = (attend_attention_options){.size = sizeof o, .query_offset_count = 1};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT,
                "query_offset is a null pointer, but query_offset_count is 1");
  o = (attend_attention_options){.size = sizeof o, .causal = ATTEND_CAUSAL_QUERY_OFFSET};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "query_offset is empty");
  const attend_window window = {.left = -2, .right = -1};
  o = (attend_attention_options){.size = sizeof o, .window = &window};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "window.left is -2");
  o = (attend_attention_options){.size = sizeof o, .softcap = -1};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "softcap is -1");
  o = (attend_attention_options){.size = sizeof o, .dropout = 1};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "dropout is 1");
  o = (attend_attention_options){.size = sizeof o,
                                 .bias = attend_view_of(p.query, ATTEND_FLOAT32, 1, 1, kTq, kTk + 1)};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "bias axis Tk is 8");
  o = (attend_attention_options){.size = sizeof o,
                                 .sinks = attend_view_of(p.query, ATTEND_FLOAT64, 1, kHq, 1, 1)};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "sinks is float64");
  o = (attend_attention_options){.size = sizeof o,
                                 .alibi_slopes = attend_view_of(&not_a_number, ATTEND_FLOAT32, 1, 1, 1, 1)};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "alibi_slopes[0, 0] is");
  o = (attend_attention_options){.size = sizeof o, .mask = attend_view_of(mask, ATTEND_BOOL, 1, 3, kTq, kTk)};
  CHECK_REFUSED(attend_attention(&p.tensors, &o, NULL), ATTEND_INVALID_ARGUMENT, "mask axis Hq is 3");
  check_untouched(&p);
}

static void results_that_have_no_place_are_refused(void) {
  problem p;
  fill(&p);
  size_t bytes = 12345;
  CHECK_REFUSED(attend_attention_scratch_bytes(&p.tensors, NULL, 1, NULL), ATTEND_INVALID_ARGUMENT,
                "bytes is a null pointer");
  CHECK_REFUSED(attend_attention_scratch_bytes(&p.tensors, NULL, 0, &bytes), ATTEND_INVALID_ARGUMENT,
                "workers is 0, but must be in 1..1024");
  CHECK_REFUSED(attend_attention_backward_scratch_bytes(&p.gradients, NULL, 1, NULL), ATTEND_INVALID_ARGUMENT,
                "bytes is a null pointer");
  CHECK_REFUSED(attend_attention_backward_scratch_bytes(&p.gradients, NULL, -4, &bytes),
                ATTEND_INVALID_ARGUMENT, "workers is -4");
  p.tensors.key.shape[0] = 3;
  CHECK_REFUSED(attend_attention_scratch_bytes(&p.tensors, NULL, 1, &bytes), ATTEND_INVALID_ARGUMENT,
                "key axis B is 3");
  CHECK_REFUSED(attend_explain(&p.tensors, NULL, NULL, 0, NULL), ATTEND_INVALID_ARGUMENT, "key axis B is 3");
  p.tensors.key.shape[0] = kB;
  CHECK_REFUSED(attend_explain(&p.tensors, NULL, NULL, 5, NULL), ATTEND_INVALID_ARGUMENT,
                "line is a null pointer, but capacity is 5");
  CHECK(bytes == 12345);
}

/* The options as a later version of the header may have them. */
typedef struct later_options {
  attend_attention_options known;
  double unknown[3];
} later_options;

static void structs_of_other_ages_are_understood(void) {
  problem p;
  fill(&p);
  later_options later = {.known = {.size = sizeof later}};
  CHECK(attend_attention(&p.tensors, &later.known, NULL) == ATTEND_OK);
  later.unknown[1] = 0.5;
  CHECK_REFUSED(attend_attention(&p.tensors, &later.known, NULL), ATTEND_UNSUPPORTED, "sets something after");

  /* An older caller's options end after `causal`; what lies behind them is not read. */
  attend_attention_options* older = malloc(sizeof *older);
  memset(older, 0xff, sizeof *older);
  older->size = offsetof(attend_attention_options, isa);
  older->scale = NULL;
  older->causal = ATTEND_CAUSAL_UPPER_LEFT;
  CHECK(attend_attention(&p.tensors, older, NULL) == ATTEND_OK);
  rules rule = plain_rules();
  rule.offset = 0;
  CHECK(largest_error(&p, &rule) < 1e-6);
  free(older);

  const attend_attention_options never_set = {0};
  CHECK_REFUSED(attend_attention(&p.tensors, &never_set, NULL), ATTEND_INVALID_ARGUMENT, "options.size is 0");
  const attend_attention_options garbage = {.size = (size_t)-1};
  CHECK_REFUSED(attend_attention(&p.tensors, &garbage, NULL), ATTEND_INVALID_ARGUMENT, "options.size is");
  const attend_resources no_size = {0};
  CHECK_REFUSED(attend_attention(&p.tensors, NULL, &no_size), ATTEND_INVALID_ARGUMENT, "resources.size is 0");
}

static void* see_no_error(void* argument) {
  (void)argument;
  CHECK(strcmp(attend_last_error(), "") == 0);
  return NULL;
}

static void the_last_error_is_a_threads_own(void) {
  CHECK_REFUSED(attend_attention(NULL, NULL, NULL), ATTEND_INVALID_ARGUMENT, "tensors is a null pointer");
  pthread_t other;
  CHECK(pthread_create(&other, NULL, see_no_error, NULL) == 0);
  pthread_join(other, NULL);
  problem p;
  fill(&p);
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(strcmp(attend_last_error(), "tensors is a null pointer") == 0);
}

void test_errors(void) {
  tensors_that_disagree_are_named();
  options_that_mean_nothing_are_named();
  results_that_have_no_place_are_refused();
  structs_of_other_ages_are_understood();
  the_last_error_is_a_threads_own();
}
