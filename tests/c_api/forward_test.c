#include <math.h>
#include <string.h>

#include "check.h"

static const double kTolerance = 1e-6; /* values in [-1, 1], a few float32 roundings */

static void defaults_are_plain_attention(void) {
  problem p;
  fill(&p);
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  const rules rule = plain_rules();
  CHECK(largest_error(&p, &rule) < kTolerance);
  for (int row = 0; row < kB * kHq * kTq; ++row) {
    double sum = 0;
    for (int j = 0; j < kTk; ++j) sum += p.weights[row * kTk + j];
    CHECK(fabs(sum - 1) < kTolerance);
    CHECK(isfinite(p.lse[row]));
  }
}

static void lse_and_weights_are_optional(void) {
  problem p;
  fill(&p);
  p.tensors.lse = (attend_mutable_view){0};
  p.tensors.weights = (attend_mutable_view){0};
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  const rules rule = plain_rules();
  CHECK(largest_error(&p, &rule) < kTolerance);
  CHECK(isnan(p.lse[0]) && isnan(p.weights[0]));
}

static void every_instruction_set_can_be_pinned(void) {
  CHECK(attend_isa_count() >= 1);
  CHECK(strcmp(attend_isa_name(attend_isa_count() - 1), "scalar") == 0);
  CHECK(attend_isa_name(attend_isa_count()) == NULL);
  for (size_t n = 0; n < attend_isa_count(); ++n) {
    problem p;
    fill(&p);
    const attend_attention_options options = {.size = sizeof options, .isa = attend_isa_name(n)};
    CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
    const rules rule = plain_rules();
    CHECK(largest_error(&p, &rule) < kTolerance);
    char line[256];
    CHECK(attend_explain(&p.tensors, &options, line, sizeof line, NULL) == ATTEND_OK);
    CHECK(strstr(line, options.isa) != NULL);
  }
}

static void explain_says_how_long_the_line_is(void) {
  problem p;
  fill(&p);
  char line[1024], cut[8] = "#######";
  size_t length = 0, again = 0;
  CHECK(attend_explain(&p.tensors, NULL, NULL, 0, &length) == ATTEND_OK);
  CHECK(attend_explain(&p.tensors, NULL, line, sizeof line, &again) == ATTEND_OK);
  CHECK(length == again && length == strlen(line) && length > sizeof cut);
  CHECK(attend_explain(&p.tensors, NULL, cut, sizeof cut, &again) == ATTEND_OK);
  CHECK(again == length && strlen(cut) == sizeof cut - 1 && strncmp(cut, line, sizeof cut - 1) == 0);
}

static void transposed_heads_are_strides(void) {
  problem p, transposed;
  fill(&p);
  fill(&transposed);
  /* [B, T, H, D] in memory */
  for (int b = 0; b < kB; ++b)
    for (int h = 0; h < kHq; ++h)
      for (int i = 0; i < kTq; ++i)
        memcpy(transposed.query + ((b * kTq + i) * kHq + h) * kD, p.query + ((b * kHq + h) * kTq + i) * kD,
               kD * sizeof(float));
  transposed.tensors.query.stride[1] = kD;
  transposed.tensors.query.stride[2] = kHq * kD;
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention(&transposed.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(memcmp(p.output, transposed.output, sizeof p.output) == 0);
}

static void a_query_that_sees_no_key_gets_zeros(void) {
  problem p;
  fill(&p);
  const int64_t lengths[kB] = {0, kTk};
  for (int n = 0; n < kHkv * kTk * kDv; ++n) p.value[n] = NAN;
  const attend_attention_options options = {
      .size = sizeof options, .kv_lengths = lengths, .kv_lengths_count = kB};
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  for (int n = 0; n < kHq * kTq * kDv; ++n) CHECK(p.output[n] == 0);
  for (int n = 0; n < kHq * kTq; ++n) CHECK(isinf(p.lse[n]) && p.lse[n] < 0);
}

static void what_has_no_elements_may_have_any_strides(void) {
  problem p;
  fill(&p);
  p.tensors.weights = (attend_mutable_view){0};
  p.tensors.query.shape[2] = p.tensors.output.shape[2] = p.tensors.lse.shape[2] = 0;
  memset(p.tensors.output.stride, 0, sizeof p.tensors.output.stride);
  p.tensors.lse.stride[0] = INT64_MAX;
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(isnan(p.output[0]) && isnan(p.lse[0]));
}

void test_forward(void) {
  defaults_are_plain_attention();
  lse_and_weights_are_optional();
  every_instruction_set_can_be_pinned();
  explain_says_how_long_the_line_is();
  transposed_heads_are_strides();
  a_query_that_sees_no_key_gets_zeros();
  what_has_no_elements_may_have_any_strides();
}
