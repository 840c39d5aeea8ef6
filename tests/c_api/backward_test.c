#include <math.h>

#include "check.h"

/* The sum of output * output_gradient, by plain loops. */
static double loss(const problem* p) {
  rules rule = plain_rules();
  rule.offset = kTk - kTq;
  double sum = 0;
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) {
    const int c = n % kDv, i = n / kDv % kTq, h = n / (kDv * kTq) % kHq, b = n / (kDv * kTq * kHq);
    sum += p->output_gradient[n] * expected(p, b, h, i, c, &rule);
  }
  return sum;
}

/* Compares gradients with central differences of the loss: step^2 off, and float32 inputs moved exactly. */
static void check_gradient(problem* p, float* input, const float* gradient, int count) {
  const float step = 1.0f / 256;
  for (int n = 0; n < count; ++n) {
    const float at = input[n];
    input[n] = at + step;
    const double above = loss(p), width = (double)input[n] - (at - step);
    input[n] = at - step;
    const double below = loss(p);
    input[n] = at;
    CHECK(fabs(gradient[n] - (above - below) / width) < 2e-5);
  }
}

static void gradients_are_those_of_finite_differences(void) {
  problem p;
  fill(&p);
  const attend_attention_options options = {.size = sizeof options, .causal = ATTEND_CAUSAL_LOWER_RIGHT};
  CHECK(attend_attention(&p.tensors, &options, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&p.gradients, &options, NULL) == ATTEND_OK);
  check_gradient(&p, p.query, p.query_gradient, kB * kHq * kTq * kD);
  check_gradient(&p, p.key, p.key_gradient, kB * kHkv * kTk * kD);
  check_gradient(&p, p.value, p.value_gradient, kB * kHkv * kTk * kDv);
}

static void backward_takes_its_scratch_from_the_caller(void) {
  problem p, own;
  fill(&p);
  fill(&own);
  static _Alignas(64) unsigned char scratch[1 << 20];
  size_t bytes = 0;
  CHECK(attend_attention_backward_scratch_bytes(&p.gradients, NULL, 1, &bytes) == ATTEND_OK);
  CHECK(bytes > 0 && bytes <= sizeof scratch);
  const attend_resources resources = {.size = sizeof resources, .scratch = scratch, .scratch_bytes = bytes};
  CHECK(attend_attention(&p.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention(&own.tensors, NULL, NULL) == ATTEND_OK);
  CHECK(attend_attention_backward(&p.gradients, NULL, &resources) == ATTEND_OK);
  CHECK(attend_attention_backward(&own.gradients, NULL, NULL) == ATTEND_OK);
  for (int n = 0; n < kB * kHq * kTq * kD; ++n) CHECK(p.query_gradient[n] == own.query_gradient[n]);
}

void test_backward(void) {
  gradients_are_those_of_finite_differences();
  backward_takes_its_scratch_from_the_caller();
}
