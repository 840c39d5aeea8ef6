/* Rotary position embedding as an operation, a part of attend.h, which includes it. */
#ifndef ATTEND_ATTEND_ROPE_H_
#define ATTEND_ATTEND_ROPE_H_

#include "attend/attend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Rotary position embedding by itself ------------------------------------------------------------- */

typedef struct attend_rope_tensors {
  size_t size;
  attend_view input;          /* [B, H, T, D]   ATTEND_FLOAT32, _BFLOAT16, _FLOAT16 or _FLOAT64 */
  attend_mutable_view output; /* [B, H, T, D]   of the input's type; may be the input, in place */
} attend_rope_tensors;

typedef struct attend_rope_options {
  size_t size;
  attend_rotation rope;
  const int64_t* positions; /* T numbers, or B times as many. NULL and 0: row t at position t */
  size_t positions_count;
  int32_t transposed; /* 1: turns back, which takes gradients of turned rows to gradients of the rows */
} attend_rope_options;

/* Turns rows. Needs no scratch. */
attend_code attend_rope(const attend_rope_tensors* tensors, const attend_rope_options* options,
                        const attend_resources* resources);

/* Position p turns pair r by p * position_scale * f_r, where f_r is frequencies[r], or base^(-2 r / R). NULL
 * in place of the struct: all defaults. */
typedef struct attend_rope_table_options {
  size_t size;
  double base;               /* 0: 10000 */
  double position_scale;     /* 0: 1 */
  const double* frequencies; /* R / 2 numbers in place of the base; NULL and 0: from the base */
  size_t frequencies_count;
  double magnitude; /* multiplies cosines and sines; 0: 1 */
} attend_rope_table_options;

typedef struct attend_rope_tables {
  size_t size;
  attend_mutable_view cos, sin; /* [1, 1, P, R / 2]   ATTEND_FLOAT32 or ATTEND_FLOAT64 */
} attend_rope_tables;

/* Fills tables, row p for position p; computed in double and rounded once. */
attend_code attend_rope_table(const attend_rope_table_options* options, const attend_rope_tables* tables);

#ifdef __cplusplus
}
#endif

#endif /* ATTEND_ATTEND_ROPE_H_ */
