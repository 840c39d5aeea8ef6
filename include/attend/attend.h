/* Attention on CPUs, for C and for everything that calls C.
 *
 *   float q[B*Hq*Tq*D], k[B*Hkv*Tk*D], v[B*Hkv*Tk*Dv], out[B*Hq*Tq*Dv];
 *   attend_attention_tensors tensors = {
 *       .size = sizeof tensors,
 *       .query = attend_view_of(q, ATTEND_FLOAT32, B, Hq, Tq, D),
 *       .key = attend_view_of(k, ATTEND_FLOAT32, B, Hkv, Tk, D),
 *       .value = attend_view_of(v, ATTEND_FLOAT32, B, Hkv, Tk, Dv),
 *       .output = attend_mutable_view_of(out, ATTEND_FLOAT32, B, Hq, Tq, Dv)};
 *   if (attend_attention(&tensors, NULL, NULL) != ATTEND_OK) puts(attend_last_error());
 *
 * What is computed is the contract of attend/attention.h, under the same names; axes are B batch, Hq query
 * heads, Hkv key/value heads, Tq queries, Tk keys, D query/key width, Dv value width.
 *
 * Errors. A function that can fail returns an attend_code. When it is not ATTEND_OK nothing has been written,
 * and attend_last_error() is a sentence that names the argument, the axis and both numbers. Nothing here
 * prints, aborts, exits or lets a C++ exception through (but see ATTEND_EXECUTOR_OPENMP).
 *
 * Growth. A struct with a `size` starts with its own sizeof, as the caller was compiled, and all that is not
 * set must be 0, which means "not used": `= {.size = sizeof it}` does both. A library that is newer than the
 * caller takes the fields that the caller does not know for 0; one that is older refuses a field that it does
 * not know and that is not 0. So an option is never ignored.
 *
 * Threads. Every function may be called from any number of threads at once. A custom executor is used by as
 * many calls at once as the caller makes with it.
 */
#ifndef ATTEND_ATTEND_H_
#define ATTEND_ATTEND_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a call. */
typedef enum attend_code {
  ATTEND_OK = 0,
  ATTEND_INVALID_ARGUMENT = 1, /* the arguments contradict each other or the contract */
  ATTEND_UNSUPPORTED = 4,      /* well-formed, but not something that this build or machine can do */
  ATTEND_OUT_OF_MEMORY = 6,
  ATTEND_INTERNAL = 7 /* a defect in the library; please report it */
} attend_code;

/* The sentence of the last call on this thread that failed; "" if none has. Valid until the next one fails.
 */
const char* attend_last_error(void);

/* "0.1.0". */
const char* attend_version(void);

/* The instruction sets of this build that this machine can run, fastest first, by name: "avx512_bf16",
 * "avx512", "avx2", "sse4", "neon"; "scalar", plain loops, is always the last. NULL past the last. */
size_t attend_isa_count(void);
const char* attend_isa_name(size_t index);

/* --- Tensors: other people's memory, borrowed for the length of a call ------------------------------- */

typedef enum attend_dtype {
  ATTEND_FLOAT32 = 0,
  ATTEND_FLOAT64 = 1,
  ATTEND_BFLOAT16 = 2,
  ATTEND_FLOAT16 = 3,
  ATTEND_INT8 = 4,
  ATTEND_BOOL = 5 /* one byte, 0 or 1 */
} attend_dtype;

/* A tensor that is read. All zero: absent. */
typedef struct attend_view {
  const void* data;
  int32_t dtype; /* an attend_dtype */
  int64_t shape[4];
  int64_t stride[4]; /* in elements; stride[3] is 1 where rows are read */
} attend_view;

/* A tensor that is written. All zero: absent. One that has a shape with elements, but NULL for its data, is
 * refused, optional or not. */
typedef struct attend_mutable_view {
  void* data;
  int32_t dtype;
  int64_t shape[4];
  int64_t stride[4];
} attend_mutable_view;

/* Dense row-major tensors of shape [a, b, c, d]; `dtype` is an attend_dtype. */
attend_view attend_view_of(const void* data, int32_t dtype, int64_t a, int64_t b, int64_t c, int64_t d);
attend_mutable_view attend_mutable_view_of(void* data, int32_t dtype, int64_t a, int64_t b, int64_t c,
                                           int64_t d);

/* --- Executors: where the work runs ------------------------------------------------------------------ */

/* The library cuts an operation into tasks by its shapes alone and hands them to an executor; results do not
 * depend on which one, nor on how many threads it has. */
typedef struct attend_executor attend_executor;

typedef enum attend_executor_kind {
  ATTEND_EXECUTOR_SERIAL = 0, /* the calling thread */
  ATTEND_EXECUTOR_OPENMP = 1, /* OpenMP's threads; GCC's runtime ends the process if the system refuses one;
                                 in a child of fork() as ATTEND_EXECUTOR_THREADS */
  ATTEND_EXECUTOR_THREADS = 2 /* threads that are started for each call, some 20 microseconds; where the
                                 system refuses one, the others do its share */
} attend_executor_kind;

/* `kind` is an attend_executor_kind. `threads` in 0..1024; 0 means all that there are, and is the only number
 * for ATTEND_EXECUTOR_SERIAL besides 1. Free the executor with attend_executor_destroy(). */
attend_code attend_executor_create(int32_t kind, int32_t threads, attend_executor** executor);

/* One task: `task` in [0, count), `worker` in [0, workers), `context` as the executor was given it. */
typedef void (*attend_task)(void* context, int64_t task, int32_t worker);

/* Must call task(context, i, worker) once for each i in [0, count), in any order and on any threads, and
 * return when all of them have returned. No two calls in flight share a worker number. */
typedef void (*attend_run)(void* user, int64_t count, attend_task task, void* context);

/* The caller's own pool: `run` is called with `user`, which must outlive the executor. `workers` in 1..1024
 * is the largest number of tasks in flight; scratch is sized by it. A call whose executor did not run every
 * task once and no other, or used a worker number outside [0, workers), fails with ATTEND_INVALID_ARGUMENT,
 * and its outputs are undefined. */
attend_code attend_executor_create_custom(int32_t workers, attend_run run, void* user,
                                          attend_executor** executor);

int32_t attend_executor_workers(const attend_executor* executor); /* 1 for NULL, which is serial */
void attend_executor_destroy(attend_executor* executor);          /* NULL is fine */

/* What an operation may use. NULL in place of the struct: the calling thread, and memory of its own. */
typedef struct attend_resources {
  size_t size;
  attend_executor* executor; /* NULL: the calling thread */
  void* scratch;             /* aligned to 64 bytes; NULL: the operation allocates, and frees at the end */
  size_t scratch_bytes;      /* at least what the ..._scratch_bytes() function says; an operation that has
                                none needs none */
} attend_resources;

/* --- Attention --------------------------------------------------------------------------------------- */

typedef enum attend_causal {
  ATTEND_CAUSAL_NONE = 0,
  ATTEND_CAUSAL_UPPER_LEFT = 1,  /* query i sees key j when j <= i */
  ATTEND_CAUSAL_LOWER_RIGHT = 2, /* query i sees key j when j <= i + Tk - Tq */
  ATTEND_CAUSAL_QUERY_OFFSET = 3 /* query i sees key j when j <= i + query_offset */
} attend_causal;

/* How many keys a query sees to the left and right of where it stands, which is seen too; -1 is no bound. */
typedef struct attend_window {
  int64_t left, right;
} attend_window;

/* Which two features of a row make a pair, of R / 2. */
typedef enum attend_rope_layout {
  ATTEND_ROPE_HALF_SPLIT = 0, /* r and r + R / 2 */
  ATTEND_ROPE_INTERLEAVED = 1 /* 2 r and 2 r + 1 */
} attend_rope_layout;

/* Rotary position embedding, as attend/rope.h has it: a row at position p is turned by row p of the tables.
 * All 0: absent. ATTEND_FLOAT32, or ATTEND_FLOAT64 with ATTEND_FLOAT64; attend_rope_table() fills the common
 * ones. */
typedef struct attend_rotation {
  int32_t layout;       /* an attend_rope_layout */
  attend_view cos, sin; /* [1, 1, P, R / 2]   1 <= R / 2, R <= D */
} attend_rotation;

/* What is computed, apart from the data. NULL in place of the struct: all defaults. */
typedef struct attend_attention_options {
  size_t size;
  const float* scale; /* multiplies every score; NULL means 1 / sqrt(D); must be finite */
  int32_t causal;     /* an attend_causal */
  const char* isa;    /* pins the instruction set; NULL: the fastest */
  /* Where query 0 stands on the key axis: 1 number, or B; NULL and 0: Tk - Tq, or 0 with UPPER_LEFT. */
  const int64_t* query_offset;
  size_t query_offset_count;
  const attend_window* window; /* NULL: no bounds */
  /* How many keys of each batch row exist: B numbers in [0, Tk], or NULL and 0. Nothing past them is read. */
  const int64_t* kv_lengths;
  size_t kv_lengths_count;
  attend_view mask; /* ATTEND_BOOL [B or 1, Hq or 1, Tq or 1, Tk or 1], any strides: all but 0 may see;
                       optional */
  attend_view bias; /* ATTEND_FLOAT32, or ATTEND_FLOAT64 with ATTEND_FLOAT64, and of a shape as of mask; added
                       to the scores; -inf masks; optional */
  attend_view alibi_slopes; /* [B or 1, Hq or 1, 1, 1]: slope * |distance| is taken off a score; optional */
  float softcap;            /* scores become softcap * tanh(score / softcap) before any is added; 0: none */
  attend_view sinks;        /* [1, Hq or 1, 1, 1]: exp(sink) is added to the sum of weights; optional */
  float dropout;            /* the share of weights left out, in [0, 1); a function of seed and place alone */
  uint64_t seed;
  attend_rotation rope; /* turns queries and keys by their positions before anything else; optional */
  /* Where queries and keys stand, for `rope` alone: Tq and Tk numbers, or B times as many. NULL and 0: query
   * i where it stands on the key axis, key j at j. */
  const int64_t* query_positions;
  size_t query_positions_count;
  const int64_t* key_positions;
  size_t key_positions_count;
} attend_attention_options;

/* query, key, value and output have one type: ATTEND_FLOAT32, ATTEND_BFLOAT16, ATTEND_FLOAT16, or
 * ATTEND_FLOAT64 (plain loops, for checking); the others, and the numbers among the options, are
 * ATTEND_FLOAT32, or ATTEND_FLOAT64 with ATTEND_FLOAT64. Rows contiguous, other strides free; outputs overlap
 * nothing. */
typedef struct attend_attention_tensors {
  size_t size;
  attend_view query;          /* [B, Hq, Tq, D]    1 <= D <= 1024 */
  attend_view key;            /* [B, Hkv, Tk, D]   Hq % Hkv == 0 */
  attend_view value;          /* [B, Hkv, Tk, Dv]  1 <= Dv <= 1024 */
  attend_mutable_view output; /* [B, Hq, Tq, Dv] */
  attend_mutable_view lse; /* [B, Hq, Tq, 1]   optional: log sum of exp(score), -inf where nothing is seen */
  attend_mutable_view weights;     /* [B, Hq, Tq, Tk]  optional: the weights themselves, before dropout */
  attend_mutable_view head_mean;   /* [B, 1, Tq, Tk]   optional: their mean over heads */
  attend_mutable_view column_sums; /* [B, Hq, 1, Tk]   optional: their sums over queries */
} attend_attention_tensors;

attend_code attend_attention(const attend_attention_tensors* tensors, const attend_attention_options* options,
                             const attend_resources* resources);

/* Bytes of scratch that attend_attention() needs for these operands with so many workers. */
attend_code attend_attention_scratch_bytes(const attend_attention_tensors* tensors,
                                           const attend_attention_options* options, int32_t workers,
                                           size_t* bytes);

/* One line: which kernel attend_attention() would run, on which instruction set, with which tiles, and why.
 * Writes at most `capacity` bytes with the closing 0, cutting what does not fit; `length`, unless NULL, gets
 * the length of the whole line, as of snprintf. */
attend_code attend_explain(const attend_attention_tensors* tensors, const attend_attention_options* options,
                           char* line, size_t capacity, size_t* length);

/* In the types of the forward pass: what that saw and made, the gradient of its output, and where to put
 * those of its inputs, which are overwritten. The gradients of bias and sinks have the types of bias and
 * sinks. */
typedef struct attend_attention_gradient_tensors {
  size_t size;
  attend_view query, key, value;      /* as in forward */
  attend_view output;                 /* [B, Hq, Tq, Dv]  forward's */
  attend_view lse;                    /* [B, Hq, Tq, 1]   forward's */
  attend_view output_gradient;        /* [B, Hq, Tq, Dv] */
  attend_mutable_view query_gradient; /* [B, Hq, Tq, D] */
  attend_mutable_view key_gradient;   /* [B, Hkv, Tk, D] */
  attend_mutable_view value_gradient; /* [B, Hkv, Tk, Dv] */
  attend_mutable_view
      bias_gradient; /* of the bias's shape, summed over the axes that are 1 in it; optional */
  attend_mutable_view sinks_gradient; /* of the sinks' shape; optional */
} attend_attention_gradient_tensors;

attend_code attend_attention_backward(const attend_attention_gradient_tensors* tensors,
                                      const attend_attention_options* options,
                                      const attend_resources* resources);

attend_code attend_attention_backward_scratch_bytes(const attend_attention_gradient_tensors* tensors,
                                                    const attend_attention_options* options, int32_t workers,
                                                    size_t* bytes);

/* --- Packed sequences: attention without padding ----------------------------------------------------------
 *
 * The tokens of all sequences lie one after the other on one axis. What is computed is the contract of
 * attend/varlen.h: each sequence as attend_attention() computes it alone, to the bit. Of the options,
 * query_offset and kv_lengths have one number a sequence, and mask, bias and alibi_slopes one slice a
 * sequence where they have one a batch row; query_positions are total_q and key_positions total_k.
 */

typedef struct attend_packed_attention_tensors {
  size_t size;
  attend_view query; /* [1, Hq, total_q, D] */
  attend_view key;   /* [1, Hkv, total_k, D] */
  attend_view value; /* [1, Hkv, total_k, Dv] */
  /* Where each sequence begins, and then the end: from 0 to total_q and to total_k, never decreasing; one
   * number more than there are sequences. */
  const int64_t* query_starts;
  size_t query_starts_count;
  const int64_t* key_starts;
  size_t key_starts_count;
  attend_mutable_view output; /* [1, Hq, total_q, Dv] */
  attend_mutable_view lse;    /* [1, Hq, total_q, 1]   optional */
} attend_packed_attention_tensors;

attend_code attend_attention_varlen(const attend_packed_attention_tensors* tensors,
                                    const attend_attention_options* options,
                                    const attend_resources* resources);

attend_code attend_attention_varlen_scratch_bytes(const attend_packed_attention_tensors* tensors,
                                                  const attend_attention_options* options, int32_t workers,
                                                  size_t* bytes);

attend_code attend_explain_varlen(const attend_packed_attention_tensors* tensors,
                                  const attend_attention_options* options, char* line, size_t capacity,
                                  size_t* length);

typedef struct attend_packed_attention_gradient_tensors {
  size_t size;
  attend_view query, key, value; /* as in forward */
  const int64_t* query_starts;   /* as in forward */
  size_t query_starts_count;
  const int64_t* key_starts;
  size_t key_starts_count;
  attend_view output;                 /* [1, Hq, total_q, Dv]  forward's */
  attend_view lse;                    /* [1, Hq, total_q, 1]   forward's */
  attend_view output_gradient;        /* [1, Hq, total_q, Dv] */
  attend_mutable_view query_gradient; /* [1, Hq, total_q, D] */
  attend_mutable_view key_gradient;   /* [1, Hkv, total_k, D] */
  attend_mutable_view value_gradient; /* [1, Hkv, total_k, Dv] */
  attend_mutable_view sinks_gradient; /* of the sinks' shape; optional */
  attend_mutable_view bias_gradient;  /* of the bias's shape, 0 past the rows of a sequence; optional */
} attend_packed_attention_gradient_tensors;

attend_code attend_attention_varlen_backward(const attend_packed_attention_gradient_tensors* tensors,
                                             const attend_attention_options* options,
                                             const attend_resources* resources);

attend_code attend_attention_varlen_backward_scratch_bytes(
    const attend_packed_attention_gradient_tensors* tensors, const attend_attention_options* options,
    int32_t workers, size_t* bytes);

#ifdef __cplusplus
}
#endif

/* The rest of the functions: caches, decoding and merging, and rotary position embedding by itself. */
#include "attend/attend_decode.h"
#include "attend/attend_rope.h"

#endif /* ATTEND_ATTEND_H_ */
