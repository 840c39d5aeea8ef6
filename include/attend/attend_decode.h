/* Decoding, a part of attend.h, which includes it: caches of keys and values, attention of new queries over
 * them, and what joins attention over different keys. */
#ifndef ATTEND_ATTEND_DECODE_H_
#define ATTEND_ATTEND_DECODE_H_

#include "attend/attend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Keys and values of tokens already seen ---------------------------------------------------------------
 *
 *   attend_kv_cache_options size = {.size = sizeof size, .sequences = B, .capacity = 4096, .kv_heads = Hkv,
 *                                   .key_width = D, .value_width = D, .page_size = 64};
 *   attend_kv_cache* cache;
 *   attend_kv_cache_create(&size, &cache);
 *   for (each new token) {
 *     attend_kv_cache_append(cache, &tokens, NULL, 0, NULL);         the token's key and value
 *     attend_kv_view view = {.size = sizeof view};
 *     attend_kv_cache_view(cache, &view);
 *     attend_attention_decode(&(attend_decode_tensors){.cache = &view, ...}, NULL, NULL);
 *   }
 *   attend_kv_cache_destroy(cache);
 *
 * Memory is cut into pages of `page_size` tokens of one sequence, for all key/value heads; a block table says
 * which pages a sequence has. A contiguous cache has one page a sequence. attend/kv_cache.h says how numbers
 * are stored, int8 among them. There are two ways to use it: an attend_kv_cache owns its memory and hands out
 * pages; an attend_kv_view describes memory, pages and a block table of the caller's.
 */

/* Keys and values in pages, to be read. All that is not set must be 0. */
typedef struct attend_kv_view {
  size_t size;
  attend_view key;         /* [pages, Hkv, page_size, D]   ATTEND_FLOAT32, _BFLOAT16, _FLOAT16 or _INT8 */
  attend_view value;       /* [pages, Hkv, page_size, Dv]  of the key's type */
  attend_view key_scale;   /* [pages, Hkv, page_size, 1]   ATTEND_FLOAT32; for ATTEND_INT8 alone */
  attend_view value_scale; /* [pages, Hkv, page_size, 1] */
  /* [sequences, pages_per_sequence]; NULL and 0: sequence s is page s, a contiguous cache. Entries that no
   * query can see are not looked at. */
  const int32_t* block_table;
  size_t block_table_count;
  int64_t pages_per_sequence; /* 0: 1 */
  const int64_t* lengths;     /* how many tokens each sequence holds */
  size_t lengths_count;
  /* Which sequence each batch row is; NULL and 0: row b is sequence b. */
  const int32_t* sequences;
  size_t sequences_count;
} attend_kv_view;

/* The same, to be written. */
typedef struct attend_mutable_kv_view {
  size_t size;
  attend_mutable_view key, value, key_scale, value_scale;
  const int32_t* block_table;
  size_t block_table_count;
  int64_t pages_per_sequence;
  const int64_t* lengths;
  size_t lengths_count;
  const int32_t* sequences;
  size_t sequences_count;
} attend_mutable_kv_view;

/* New tokens for a batch of sequences, key and value of one type: ATTEND_FLOAT32, ATTEND_BFLOAT16 or
 * ATTEND_FLOAT16. */
typedef struct attend_kv_tokens {
  size_t size;
  attend_view key;   /* [B, Hkv, T, D] */
  attend_view value; /* [B, Hkv, T, Dv] */
  /* How many of the T tokens of each batch row are appended, in [0, T]; NULL and 0: all. The rest is not
   * read. */
  const int64_t* counts;
  size_t counts_count;
  attend_rotation rope; /* turns the keys before they are stored; optional */
  /* Where the keys stand, for `rope` alone: T numbers, or B times as many. NULL and 0: where they are
   * stored. */
  const int64_t* key_positions;
  size_t key_positions_count;
} attend_kv_tokens;

/* Writes the tokens of batch row b behind the lengths[s] tokens of its sequence s. The lengths and pages are
 * the caller's, who adds the counts to them afterwards. */
attend_code attend_kv_append(const attend_kv_tokens* tokens, const attend_mutable_kv_view* cache,
                             const attend_resources* resources);

/* A cache with its memory and its pages. Not to be used from several threads at once; reading views while
 * nothing is appended is fine. */
typedef struct attend_kv_cache attend_kv_cache;

typedef struct attend_kv_cache_options {
  size_t size;
  int64_t sequences; /* 0: 1 */
  int64_t capacity;  /* tokens that one sequence can hold at most */
  int64_t kv_heads;
  int64_t key_width;   /* D    1..1024 */
  int64_t value_width; /* Dv   1..1024 */
  int32_t dtype;       /* ATTEND_FLOAT32, ATTEND_BFLOAT16, ATTEND_FLOAT16 or ATTEND_INT8 */
  int64_t page_size;   /* tokens a page; 0: contiguous, one page of `capacity` tokens a sequence */
  int64_t pages;       /* pages in all; 0: as many as fill every sequence to its capacity */
} attend_kv_cache_options;

/* An empty cache. Its memory is reserved at once, and the system supplies it as it is first written. Free it
 * with attend_kv_cache_destroy(). */
attend_code attend_kv_cache_create(const attend_kv_cache_options* options, attend_kv_cache** cache);
void attend_kv_cache_destroy(attend_kv_cache* cache); /* NULL is fine */

/* Appends the tokens of batch row b to sequence sequences[b], none of them twice (NULL and 0: to sequence b),
 * taking pages as needed; a page shared with another sequence is copied before it is written to.
 * ATTEND_OUT_OF_MEMORY when the free pages do not suffice. A call that fails, by its executor's fault too,
 * leaves the cache as it was. */
attend_code attend_kv_cache_append(attend_kv_cache* cache, const attend_kv_tokens* tokens,
                                   const int32_t* sequences, size_t sequences_count,
                                   const attend_resources* resources);

/* Forgets the tokens of a sequence from `length` on; its pages that become empty are free again. */
attend_code attend_kv_cache_truncate(attend_kv_cache* cache, int64_t sequence, int64_t length);

/* Makes `to`, whatever it held, the first `length` tokens of `from`, by reference: beams, and prompts with a
 * common prefix. */
attend_code attend_kv_cache_share(attend_kv_cache* cache, int64_t from, int64_t to, int64_t length);

/* Empties every sequence. */
attend_code attend_kv_cache_reset(attend_kv_cache* cache);

/* How many tokens a sequence holds. */
attend_code attend_kv_cache_length(const attend_kv_cache* cache, int64_t sequence, int64_t* length);

int64_t attend_kv_cache_free_pages(const attend_kv_cache* cache); /* 0 for NULL */
size_t attend_kv_cache_bytes(const attend_kv_cache* cache);       /* of all pages; 0 for NULL */

/* What attend_attention_decode() reads: every sequence, in order. Set view->size beforehand, and the other
 * sequences afterwards if it is they that a batch consists of. Valid until the cache changes. */
attend_code attend_kv_cache_view(const attend_kv_cache* cache, attend_kv_view* view);

/* --- Decoding: a few new queries over a cache -------------------------------------------------------------
 *
 * What is computed is the contract of attend/decode.h. The new tokens are appended first, so that the Tq
 * queries of a sequence of length L stand at its last Tq positions.
 */

typedef struct attend_decode_tensors {
  size_t size;
  attend_view query;           /* [B, Hq, Tq, D]   ATTEND_FLOAT32, _BFLOAT16 or _FLOAT16; Hq % Hkv == 0 */
  const attend_kv_view* cache; /* of Hkv heads, D and Dv; holds the new tokens already */
  attend_mutable_view output;  /* [B, Hq, Tq, Dv]  of the query's type */
  attend_mutable_view lse;     /* [B, Hq, Tq, 1]   ATTEND_FLOAT32, optional */
} attend_decode_tensors;

/* The options of attention that make sense over a cache. NULL in place of the struct: all defaults. */
typedef struct attend_decode_options {
  size_t size;
  const float* scale; /* multiplies every score; NULL means 1 / sqrt(D); must be finite */
  /* An attend_causal but ATTEND_CAUSAL_QUERY_OFFSET; NULL means ATTEND_CAUSAL_LOWER_RIGHT.
   * ATTEND_CAUSAL_UPPER_LEFT puts query i at position i; with ATTEND_CAUSAL_NONE every query sees the whole
   * sequence (cross-attention). */
  const int32_t* causal;
  const char* isa;             /* pins the instruction set; NULL: the fastest */
  const attend_window* window; /* NULL: no bounds */
  /* How many of the Tq queries each batch row has, in [0, Tq]; NULL and 0: all. The rest is padding: not
   * read, output 0, lse -inf. */
  const int64_t* query_counts;
  size_t query_counts_count;
  attend_view alibi_slopes; /* [B or 1, Hq or 1, 1, 1], ATTEND_FLOAT32; optional */
  float softcap;            /* 0: none */
  attend_view sinks;        /* [1, Hq or 1, 1, 1], ATTEND_FLOAT32; optional */
  attend_rotation rope;     /* turns the queries; keys were turned as they were appended; optional */
  /* Where queries stand, for `rope` alone: Tq numbers, or B times as many. NULL and 0: where they stand on
   * the key axis. */
  const int64_t* query_positions;
  size_t query_positions_count;
} attend_decode_options;

attend_code attend_attention_decode(const attend_decode_tensors* tensors,
                                    const attend_decode_options* options, const attend_resources* resources);

/* Bytes of scratch that attend_attention_decode() needs for these operands; depends on the lengths. */
attend_code attend_attention_decode_scratch_bytes(const attend_decode_tensors* tensors,
                                                  const attend_decode_options* options, int32_t workers,
                                                  size_t* bytes);

/* As attend_explain(), for attend_attention_decode(): which splits and passes besides. */
attend_code attend_explain_decode(const attend_decode_tensors* tensors, const attend_decode_options* options,
                                  char* line, size_t capacity, size_t* length);

/* What attention computed over two disjoint sets of keys, and where the attention over both together goes. Of
 * one type: ATTEND_FLOAT32, ATTEND_FLOAT64, ATTEND_BFLOAT16 or ATTEND_FLOAT16; each lse ATTEND_FLOAT32, or
 * ATTEND_FLOAT64 with ATTEND_FLOAT64. The result may be written over a part. */
typedef struct attend_merge_tensors {
  size_t size;
  attend_view first_output;   /* [B, H, T, Dv] */
  attend_view first_lse;      /* [B, H, T, 1] */
  attend_view second_output;  /* [B, H, T, Dv] */
  attend_view second_lse;     /* [B, H, T, 1] */
  attend_mutable_view output; /* [B, H, T, Dv] */
  attend_mutable_view lse;    /* [B, H, T, 1]   optional */
} attend_merge_tensors;

/* A part that saw no key (lse -inf) is left out. A sink belongs to one of the parts only. */
attend_code attend_merge(const attend_merge_tensors* tensors, const attend_resources* resources);

#ifdef __cplusplus
}
#endif

#endif /* ATTEND_ATTEND_DECODE_H_ */
