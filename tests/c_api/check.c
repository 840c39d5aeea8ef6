#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int failures = 0;

void check(int true_or_not, const char* what, const char* file, int line) {
  if (true_or_not) return;
  ++failures;
  printf("%s:%d: not so: %s (last error: \"%s\")\n", file, line, what, attend_last_error());
}

void check_refused(attend_code code, attend_code expected_code, const char* sentence, const char* file,
                   int line) {
  if (code == expected_code && strstr(attend_last_error(), sentence) != NULL) return;
  ++failures;
  printf("%s:%d: code %d and \"%s\", but expected code %d and \"%s\"\n", file, line, (int)code,
         attend_last_error(), (int)expected_code, sentence);
}

static uint64_t state = 1;
static void random_numbers(float* to, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's linear congruences */
    to[i] = (float)(state >> 40) / (float)(1 << 23) - 1.0f;
  }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FILL_WITH(array, number) \
  for (size_t n = 0; n < COUNT(array); ++n) (array)[n] = (number)

void fill(problem* p) {
  state = 1;
  random_numbers(p->query, COUNT(p->query));
  random_numbers(p->key, COUNT(p->key));
  random_numbers(p->value, COUNT(p->value));
  random_numbers(p->output_gradient, COUNT(p->output_gradient));
  FILL_WITH(p->output, NAN);
  FILL_WITH(p->lse, NAN);
  FILL_WITH(p->weights, NAN);
  FILL_WITH(p->head_mean, NAN);
  FILL_WITH(p->column_sums, NAN);
  FILL_WITH(p->query_gradient, NAN);
  FILL_WITH(p->key_gradient, NAN);
  FILL_WITH(p->value_gradient, NAN);
  const attend_view query = attend_view_of(p->query, ATTEND_FLOAT32, kB, kHq, kTq, kD),
                    key = attend_view_of(p->key, ATTEND_FLOAT32, kB, kHkv, kTk, kD),
                    value = attend_view_of(p->value, ATTEND_FLOAT32, kB, kHkv, kTk, kDv);
  p->tensors = (attend_attention_tensors){
      .size = sizeof p->tensors,
      .query = query,
      .key = key,
      .value = value,
      .output = attend_mutable_view_of(p->output, ATTEND_FLOAT32, kB, kHq, kTq, kDv),
      .lse = attend_mutable_view_of(p->lse, ATTEND_FLOAT32, kB, kHq, kTq, 1),
      .weights = attend_mutable_view_of(p->weights, ATTEND_FLOAT32, kB, kHq, kTq, kTk)};
  p->gradients = (attend_attention_gradient_tensors){
      .size = sizeof p->gradients,
      .query = query,
      .key = key,
      .value = value,
      .output = attend_view_of(p->output, ATTEND_FLOAT32, kB, kHq, kTq, kDv),
      .lse = attend_view_of(p->lse, ATTEND_FLOAT32, kB, kHq, kTq, 1),
      .output_gradient = attend_view_of(p->output_gradient, ATTEND_FLOAT32, kB, kHq, kTq, kDv),
      .query_gradient = attend_mutable_view_of(p->query_gradient, ATTEND_FLOAT32, kB, kHq, kTq, kD),
      .key_gradient = attend_mutable_view_of(p->key_gradient, ATTEND_FLOAT32, kB, kHkv, kTk, kD),
      .value_gradient = attend_mutable_view_of(p->value_gradient, ATTEND_FLOAT32, kB, kHkv, kTk, kDv)};
}

rules plain_rules(void) {
  return (rules){.scale = 1 / sqrt(kD), .offset = kTk, .left = -1};
}

static int seen(const rules* rule, int b, int i, int j) {
  return j <= i + rule->offset && (rule->left < 0 || j >= i + rule->offset - rule->left) &&
         (rule->lengths == NULL || j < rule->lengths[b]) && (rule->mask == NULL || rule->mask[i * kTk + j]);
}

static double score_of(const problem* p, int b, int h, int i, int j, const rules* rule) {
  const float* q = p->query + ((b * kHq + h) * kTq + i) * kD;
  const float* k = p->key + ((b * kHkv + h / (kHq / kHkv)) * kTk + j) * kD;
  double score = 0;
  for (int d = 0; d < kD; ++d) score += (double)q[d] * k[d];
  score *= rule->scale;
  if (rule->softcap > 0) score = rule->softcap * tanh(score / rule->softcap);
  if (rule->bias != NULL) score += rule->bias[(h * kTq + i) * kTk + j];
  if (rule->slopes != NULL) score -= rule->slopes[h] * fabs((double)(i + rule->offset - j));
  return score;
}

double expected(const problem* p, int b, int h, int i, int c, const rules* rule) {
  const float* v = p->value + (b * kHkv + h / (kHq / kHkv)) * kTk * kDv;
  double sum = 0, total = rule->sinks != NULL ? exp(rule->sinks[h]) : 0;
  for (int j = 0; j < kTk; ++j) {
    if (!seen(rule, b, i, j)) continue;
    const double weight = exp(score_of(p, b, h, i, j, rule));
    total += weight;
    sum += weight * v[j * kDv + c];
  }
  return total == 0 ? 0 : sum / total;
}

double largest_error(const problem* p, const rules* rule) {
  double largest = 0;
  for (int n = 0; n < kB * kHq * kTq * kDv; ++n) {
    const int c = n % kDv, i = n / kDv % kTq, h = n / (kDv * kTq) % kHq, b = n / (kDv * kTq * kHq);
    const double error = fabs(p->output[n] - expected(p, b, h, i, c, rule));
    if (!(error <= largest)) largest = error; /* a NaN too */
  }
  return largest;
}
