#include <math.h>
#include <string.h>

#include "check.h"

static const double kTolerance = 1e-6; /* values in [-1, 1], a few float32 roundings */

/* attention with these options is what plain loops make of these rules. */
static void check_options(const attend_attention_options* options, const rules* rule) {
  problem p;
  fill(&p);
  CHECK(attend_attention(&p.tensors, options, NULL) == ATTEND_OK);
  CHECK(largest_error(&p, rule) < kTolerance);
}

static void scale_and_causal_order(void) {
  const float scale = 0.3f;
  attend_attention_options options = {.size = sizeof options, .scale = &scale};
  rules rule = plain_rules();
  rule.scale = scale;
  check_options(&options, &rule);
  options.causal = ATTEND_CAUSAL_UPPER_LEFT;
  rule.offset = 0;
  check_options(&options, &rule);
  options.causal = ATTEND_CAUSAL_LOWER_RIGHT;
  rule.offset = kTk - kTq;
  check_options(&options, &rule);
}

static void where_queries_stand(void) {
  const int64_t offset = 1;
  const attend_window window = {.left = 2, .right = -1};
  attend_attention_options options = {.size = sizeof options,
                                      .causal = ATTEND_CAUSAL_QUERY_OFFSET,
                                      .query_offset = &offset,
                                      .query_offset_count = 1};
  rules rule = plain_rules();
  rule.offset = offset;
  check_options(&options, &rule);
  options.window = &window;
  rule.left = window.left;
  check_options(&options, &rule);
}

static void lengths_and_masks(void) {
  const int64_t lengths[kB] = {4, 7};
  unsigned char mask[kTq * kTk];
  for (int n = 0; n < kTq * kTk; ++n) mask[n] = n % 3 != 0;
  const attend_attention_options options = {.size = sizeof options,
                                            .kv_lengths = lengths,
                                            .kv_lengths_count = kB,
                                            .mask = attend_view_of(mask, ATTEND_BOOL, 1, 1, kTq, kTk)};
  rules rule = plain_rules();
  rule.lengths = lengths;
  rule.mask = mask;
  check_options(&options, &rule);
}

static void what_is_done_to_scores(void) {
  float bias[kHq * kTq * kTk];
  for (int n = 0; n < kHq * kTq * kTk; ++n) bias[n] = (float)(n % 7) / 4 - 1;
  const float slopes[kHq] = {0.5f, 0.25f, 0.125f, 0.0625f}, sinks[kHq] = {0, 1, -1, 0.5f};
  attend_attention_options options = {.size = sizeof options, .causal = ATTEND_CAUSAL_LOWER_RIGHT};
  rules rule = plain_rules();
  rule.offset = kTk - kTq;
  options.softcap = 0.7f;
  rule.softcap = 0.7f;
  check_options(&options, &rule);
  options.bias = attend_view_of(bias, ATTEND_FLOAT32, 1, kHq, kTq, kTk);
  rule.bias = bias;
  check_options(&options, &rule);
  options.alibi_slopes = attend_view_of(slopes, ATTEND_FLOAT32, 1, kHq, 1, 1);
  rule.slopes = slopes;
  check_options(&options, &rule);
  options.sinks = attend_view_of(sinks, ATTEND_FLOAT32, 1, kHq, 1, 1);
  rule.sinks = sinks;
  check_options(&options, &rule);
}

static void dropout_is_a_function_of_the_seed(void) {
  problem first, again, other;
  fill(&first);
  fill(&again);
  fill(&other);
  attend_attention_options options = {.size = sizeof options, .dropout = 0.5f, .seed = 7};
  CHECK(attend_attention(&first.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention(&again.tensors, &options, NULL) == ATTEND_OK);
  options.seed = 8;
  CHECK(attend_attention(&other.tensors, &options, NULL) == ATTEND_OK);
  const rules rule = plain_rules();
  CHECK(memcmp(first.output, again.output, sizeof first.output) == 0);
  CHECK(memcmp(first.output, other.output, sizeof first.output) != 0);
  CHECK(memcmp(first.weights, other.weights, sizeof first.weights) == 0); /* those before dropout */
  CHECK(largest_error(&first, &rule) > 0.01);
}

static void sums_of_weights(void) {
  problem p;
  fill(&p);
  p.tensors.head_mean = attend_mutable_view_of(p.head_mean, ATTEND_FLOAT32, kB, 1, kTq, kTk);
  p.tensors.column_sums = attend_mutable_view_of(p.column_sums, ATTEND_FLOAT32, kB, kHq, 1, kTk);
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  for (int b = 0; b < kB; ++b) {
    for (int j = 0; j < kTk; ++j) {
      double mean = 0, sum = 0;
      for (int h = 0; h < kHq; ++h) mean += p.weights[((b * kHq + h) * kTq + 2) * kTk + j] / (double)kHq;
      for (int i = 0; i < kTq; ++i) sum += p.weights[((b * kHq + 1) * kTq + i) * kTk + j];
      CHECK(fabs(p.head_mean[(b * kTq + 2) * kTk + j] - mean) < kTolerance);
      CHECK(fabs(p.column_sums[(b * kHq + 1) * kTk + j] - sum) < kTolerance);
    }
  }
}

static double loss(const problem* p, const rules* rule) {
  double sum = 0;
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) {
    const int c = n % kDv, i = n / kDv % kTq, h = n / (kDv * kTq) % kHq, b = n / (kDv * kTq * kHq);
    sum += p->output_gradient[n] * expected(p, b, h, i, c, rule);
  }
  return sum;
}

/* Central differences of the loss, by a number that the rule looks at. */
static void check_gradient(const problem* p, const rules* rule, float* number, float gradient) {
  const float step = 1.0f / 256, at = *number;
  *number = at + step;
  const double above = loss(p, rule), width = (double)*number - (at - step);
  *number = at - step;
  const double below = loss(p, rule);
  *number = at;
  CHECK(fabs(gradient - (above - below) / width) < 2e-5);
}

static void bias_and_sinks_have_gradients(void) {
  problem p;
  fill(&p);
  float bias[kHq * kTq * kTk], sinks[kHq] = {0, 1, -1, 0.5f};
  float bias_gradient[kHq * kTq * kTk], sinks_gradient[kHq];
  for (int n = 0; n < kHq * kTq * kTk; ++n) bias[n] = (float)(n % 7) / 4 - 1;
  const attend_attention_options options = {.size = sizeof options,
                                            .bias = attend_view_of(bias, ATTEND_FLOAT32, 1, kHq, kTq, kTk),
                                            .sinks = attend_view_of(sinks, ATTEND_FLOAT32, 1, kHq, 1, 1)};
  p.gradients.bias_gradient = attend_mutable_view_of(bias_gradient, ATTEND_FLOAT32, 1, kHq, kTq, kTk);
  p.gradients.sinks_gradient = attend_mutable_view_of(sinks_gradient, ATTEND_FLOAT32, 1, kHq, 1, 1);
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&p.gradients, &options, NULL) == ATTEND_OK);
  rules rule = plain_rules();
  rule.bias = bias;
  rule.sinks = sinks;
  for (int n = 0; n < kHq * kTq * kTk; ++n) check_gradient(&p, &rule, &bias[n], bias_gradient[n]);
  for (int h = 0; h < kHq; ++h) check_gradient(&p, &rule, &sinks[h], sinks_gradient[h]);
}

void test_options(void) {
  scale_and_causal_order();
  where_queries_stand();
  lengths_and_masks();
  what_is_done_to_scores();
  dropout_is_a_function_of_the_seed();
  sums_of_weights();
  bias_and_sinks_have_gradients();
}
