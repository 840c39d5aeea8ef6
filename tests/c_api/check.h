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
  float output[kB * kHq * kTq * kDv], lse[kB * kHq * kTq], weights[kB * kHq * kTq * kTk];
  float output_gradient[kB * kHq * kTq * kDv];
  float query_gradient[kB * kHq * kTq * kD], key_gradient[kB * kHkv * kTk * kD],
      value_gradient[kB * kHkv * kTk * kDv];
  attend_attention_tensors tensors;
  attend_attention_gradient_tensors gradients;
} problem;

/* Numbers that look random and are always the same; outputs are NaN. */
void fill(problem* p);

/* attention in plain loops and double, as the contract says: the output at [b, h, i, c] under a causal mask
 * with `offset` (Tk: none), `lengths` and `mask` [Tq, Tk] (NULL: none). */
double expected(const problem* p, int b, int h, int i, int c, double scale, int64_t offset,
                const int64_t* lengths, const unsigned char* mask);

/* The largest difference between p->output and expected(). */
double largest_error(const problem* p, double scale, int64_t offset, const int64_t* lengths,
                     const unsigned char* mask);

/* One function a file of tests. */
void test_forward(void);
void test_backward(void);
void test_executors(void);
void test_errors(void);

#endif /* ATTEND_TESTS_C_API_CHECK_H_ */
