/* The little that a test in C needs: CHECK and a problem to run. */
#ifndef ATTEND_TESTS_C_API_CHECK_H_
#define ATTEND_TESTS_C_API_CHECK_H_

#include <stdint.h>

#include "attend/attend.h"

extern int failures;
void check(int true_or_not, const char* what, const char* file, int line);
void check_refused(attend_code code, attend_code expected, const char* sentence, const char* file, int line);

#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
/* The call fails with this code, and the last error contains the sentence. */
#define CHECK_REFUSED(call, code, sentence) check_refused((call), (code), (sentence), __FILE__, __LINE__)

/* A small problem with memory of its own: B 2, Hq 4, Hkv 2, Tq 5, Tk 7, D 3, Dv 2. */
enum { kB = 2, kHq = 4, kHkv = 2, kTq = 5, kTk = 7, kD = 3, kDv = 2 };
typedef struct problem {
  float query[kB * kHq * kTq * kD], key[kB * kHkv * kTk * kD], value[kB * kHkv * kTk * kDv];
  float output[kB * kHq * kTq * kDv], lse[kB * kHq * kTq], weights[kB * kHq * kTq * kTk],
      head_mean[kB * kTq * kTk], column_sums[kB * kHq * kTk];
  float output_gradient[kB * kHq * kTq * kDv];
  float query_gradient[kB * kHq * kTq * kD], key_gradient[kB * kHkv * kTk * kD],
      value_gradient[kB * kHkv * kTk * kDv];
  attend_attention_tensors tensors;
  attend_attention_gradient_tensors gradients;
} problem;

/* Numbers that look random and are always the same; outputs are NaN. */
void fill(problem* p);

/* Options as plain loops want them. NULL and 0: not used. */
typedef struct rules {
  double scale;
  int64_t offset; /* causal: key j is seen when j <= i + offset; kTk: all of them */
  int64_t left;   /* keys further left of i + offset than this are not seen; -1: no bound */
  const int64_t* lengths;
  const unsigned char* mask; /* [Tq, Tk] */
  const float* bias;         /* [Hq, Tq, Tk] */
  const float* slopes;       /* [Hq] */
  const float* sinks;        /* [Hq] */
  double softcap;
} rules;
rules plain_rules(void); /* scale 1 / sqrt(D), everything seen */

/* attention in plain loops and double, as the contract says: the output at [b, h, i, c]. */
double expected(const problem* p, int b, int h, int i, int c, const rules* rule);

/* The largest difference between p->output and expected(). */
double largest_error(const problem* p, const rules* rule);

/* One function a file of tests. */
void test_forward(void);
void test_options(void);
void test_backward(void);
void test_varlen(void);
void test_rope(void);
void test_executors(void);
void test_errors(void);
void test_kv_cache(void);
void test_decode(void);
void test_hostile(void);

#endif /* ATTEND_TESTS_C_API_CHECK_H_ */
