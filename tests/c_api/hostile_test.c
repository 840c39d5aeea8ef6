/* Random damage to calls that were right. Whatever comes of it, the call answers: with a refusal that says
 * why and writes nothing, or with the result that plain loops give. Every tensor lies in the middle of a
 * field of its own, so that small strides and shapes, which C cannot check, stay inside; large ones must be
 * refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kFieldFloats = 4096, kFields = 16, kRounds = 1000, kNumbers = 16 };

typedef struct land {
  _Alignas(64) float fields[kFields][kFieldFloats];
  int64_t numbers[3][kNumbers];
  int32_t small[2][kNumbers];
  float scale;
  attend_window window;
  int32_t causal;
} land;

/* --- Draws --- */

static uint64_t state;
static uint64_t draw(uint64_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's linear congruences */
  return (state >> 33) % below;
}
static int chance(uint64_t one_in) {
  return draw(one_in) == 0;
}

/* At most one number a call is huge: two that agree would describe memory that is not there. */
static int huge_left;
static int64_t hostile(void) {
  static const int64_t small[] = {-8, -3, -1, 0, 1, 2, 3, 4, 5, 7, 8};
  static const int64_t huge[] = {1025, 1 << 20, INT64_MAX, INT64_MIN, INT64_MAX / 2, (int64_t)1 << 62};
  if (huge_left > 0 && chance(3)) {
    --huge_left;
    return huge[draw(sizeof huge / sizeof *huge)];
  }
  return small[draw(sizeof small / sizeof *small)];
}

/* A stride of a million stays in the address space, but not in a field: too large for C to know. */
static int64_t hostile_stride(void) {
  const int64_t stride = hostile();
  return stride == 1025 || stride == 1 << 20 ? INT64_MAX / 4 : stride;
}

static float hostile_number(void) {
  static const float numbers[] = {NAN, INFINITY, -INFINITY, -1, 0, 0.5f, 1, 1e-38f};
  return numbers[draw(sizeof numbers / sizeof *numbers)];
}

/* --- Damage --- */

static int retyped; /* results are not comparable where bits were taken for another type */

static void damage_shape(int32_t* dtype, int64_t* shape, int64_t* stride) {
  switch (draw(5)) {
    case 0:
      *dtype = (int32_t)draw(8) - 1;
      retyped = 1;
      break;
    case 1:
    case 2:
      shape[draw(4)] = hostile();
      break;
    case 3:
      stride[draw(4)] = hostile_stride();
      break;
    default: /* two axes change places */
      for (int n = 0; n < 2; ++n) {
        int64_t* numbers = n == 0 ? shape : stride;
        const int64_t other = numbers[1];
        numbers[1] = numbers[2];
        numbers[2] = other;
      }
  }
}

/* Nowhere, off its alignment, or into another field. */
static void* damage_pointer(land* in, void* data) {
  switch (draw(4)) {
    case 0:
      return NULL;
    case 1:
      return data == NULL ? data : (char*)data + 1;
    default:
      return in->fields[draw(kFields)] + kFieldFloats / 2;
  }
}

static void damage_view(land* in, attend_view* view) {
  if (chance(4)) view->data = damage_pointer(in, (void*)view->data);
  if (!chance(4)) damage_shape(&view->dtype, view->shape, view->stride);
}

static void damage_written(land* in, attend_mutable_view* view) {
  if (chance(4)) view->data = damage_pointer(in, view->data);
  if (!chance(4)) damage_shape(&view->dtype, view->shape, view->stride);
}

/* There are kNumbers numbers; a caller that promises more lies. */
static void damage_count(size_t* count) {
  *count = draw(8);
}

/* --- Valid calls --- */

static attend_view read_view(land* in, int field, int64_t a, int64_t b, int64_t c, int64_t d) {
  return attend_view_of(in->fields[field] + kFieldFloats / 2, ATTEND_FLOAT32, a, b, c, d);
}
static attend_mutable_view written_view(land* in, int field, int64_t a, int64_t b, int64_t c, int64_t d) {
  return attend_mutable_view_of(in->fields[field] + kFieldFloats / 2, ATTEND_FLOAT32, a, b, c, d);
}

typedef struct calls {
  attend_attention_tensors forward;
  attend_attention_gradient_tensors backward;
  attend_attention_options options;
  attend_decode_tensors decode;
  attend_kv_view cache;
  attend_mutable_kv_view written_cache;
  attend_kv_tokens tokens;
  attend_decode_options decode_options;
  attend_merge_tensors merge;
} calls;

static void fill_land(land* in) {
  memset(in, 0, sizeof *in);
  for (int f = 0; f < kFields; ++f) {
    for (int n = 0; n < kFieldFloats; ++n) in->fields[f][n] = (float)draw(2001) / 1000 - 1;
  }
  for (int n = 0; n < kNumbers; ++n) {
    in->numbers[0][n] = in->numbers[1][n] = in->numbers[2][n] = n % 2 + 1;
    in->small[0][n] = n; /* pages */
    in->small[1][n] = n; /* sequences */
  }
  in->scale = 0.5f;
  in->window = (attend_window){2, 1};
  in->causal = ATTEND_CAUSAL_LOWER_RIGHT;
}

static void make_options(land* in, calls* c) {
  c->options = (attend_attention_options){.size = sizeof c->options};
  c->decode_options = (attend_decode_options){.size = sizeof c->decode_options};
  if (chance(2)) c->options.scale = c->decode_options.scale = &in->scale;
  if (chance(2)) c->options.window = c->decode_options.window = &in->window;
  if (chance(2)) c->options.sinks = c->decode_options.sinks = read_view(in, 10, 1, kHq, 1, 1);
  if (chance(2)) c->options.alibi_slopes = c->decode_options.alibi_slopes = read_view(in, 11, 1, kHq, 1, 1);
  if (chance(2)) c->options.bias = read_view(in, 12, 1, kHq, kTq, kTk);
  if (chance(2)) c->options.kv_lengths = in->numbers[0], c->options.kv_lengths_count = kB;
  if (chance(2)) c->decode_options.query_counts = in->numbers[0], c->decode_options.query_counts_count = kB;
  if (chance(3)) c->decode_options.causal = &in->causal;
}

static void make_calls(land* in, calls* c) {
  const attend_view query = read_view(in, 0, kB, kHq, kTq, kD), key = read_view(in, 1, kB, kHkv, kTk, kD),
                    value = read_view(in, 2, kB, kHkv, kTk, kDv),
                    output = read_view(in, 3, kB, kHq, kTq, kDv), lse = read_view(in, 4, kB, kHq, kTq, 1);
  c->forward = (attend_attention_tensors){.size = sizeof c->forward,
                                          .query = query,
                                          .key = key,
                                          .value = value,
                                          .output = written_view(in, 3, kB, kHq, kTq, kDv),
                                          .lse = written_view(in, 4, kB, kHq, kTq, 1)};
  if (chance(2)) c->forward.column_sums = written_view(in, 5, kB, kHq, 1, kTk);
  c->backward =
      (attend_attention_gradient_tensors){.size = sizeof c->backward,
                                          .query = query,
                                          .key = key,
                                          .value = value,
                                          .output = output,
                                          .lse = lse,
                                          .output_gradient = read_view(in, 6, kB, kHq, kTq, kDv),
                                          .query_gradient = written_view(in, 7, kB, kHq, kTq, kD),
                                          .key_gradient = written_view(in, 8, kB, kHkv, kTk, kD),
                                          .value_gradient = written_view(in, 9, kB, kHkv, kTk, kDv)};
  make_options(in, c);
  enum { kCachePages = 4, kPageSize = 3, kEach = 2 };
  c->cache = (attend_kv_view){.size = sizeof c->cache,
                              .key = read_view(in, 1, kCachePages, kHkv, kPageSize, kD),
                              .value = read_view(in, 2, kCachePages, kHkv, kPageSize, kDv),
                              .block_table = in->small[0],
                              .block_table_count = kB * kEach,
                              .pages_per_sequence = kEach,
                              .lengths = in->numbers[1],
                              .lengths_count = kB};
  c->written_cache = (attend_mutable_kv_view){.size = sizeof c->written_cache,
                                              .key = written_view(in, 1, kCachePages, kHkv, kPageSize, kD),
                                              .value = written_view(in, 2, kCachePages, kHkv, kPageSize, kDv),
                                              .block_table = in->small[0],
                                              .block_table_count = kB * kEach,
                                              .pages_per_sequence = kEach,
                                              .lengths = in->numbers[1],
                                              .lengths_count = kB};
  if (chance(2)) c->cache.sequences = in->small[1], c->cache.sequences_count = kB;
  c->decode = (attend_decode_tensors){.size = sizeof c->decode,
                                      .query = query,
                                      .cache = &c->cache,
                                      .output = written_view(in, 3, kB, kHq, kTq, kDv),
                                      .lse = written_view(in, 4, kB, kHq, kTq, 1)};
  c->tokens = (attend_kv_tokens){.size = sizeof c->tokens,
                                 .key = read_view(in, 13, kB, kHkv, 2, kD),
                                 .value = read_view(in, 14, kB, kHkv, 2, kDv),
                                 .counts = in->numbers[2],
                                 .counts_count = kB};
  c->merge = (attend_merge_tensors){.size = sizeof c->merge,
                                    .first_output = read_view(in, 0, kB, kHq, kTq, kDv),
                                    .first_lse = read_view(in, 1, kB, kHq, kTq, 1),
                                    .second_output = read_view(in, 2, kB, kHq, kTq, kDv),
                                    .second_lse = read_view(in, 5, kB, kHq, kTq, 1),
                                    .output = written_view(in, 3, kB, kHq, kTq, kDv),
                                    .lse = written_view(in, 4, kB, kHq, kTq, 1)};
}

/* --- Which part of a call is damaged --- */

static void damage_numbers(land* in) {
  switch (draw(7)) {
    case 0:
      in->scale = hostile_number();
      break;
    case 1:
      in->window.left = hostile();
      break;
    case 2:
      in->window.right = hostile();
      break;
    case 3:
      in->causal = (int32_t)draw(9) - 2;
      break;
    case 4:
      in->small[draw(2)][draw(4)] = (int32_t)hostile();
      break;
    default:
      in->numbers[draw(3)][draw(2)] = hostile();
  }
}

static void damage_options(land* in, calls* c) {
  attend_attention_options* o = &c->options;
  attend_decode_options* d = &c->decode_options;
  switch (draw(12)) {
    case 0:
      o->softcap = d->softcap = hostile_number();
      break;
    case 1:
      o->dropout = hostile_number();
      break;
    case 2:
      o->causal = (int32_t)draw(9) - 2;
      break;
    case 3:
      o->query_offset = in->numbers[2];
      damage_count(&o->query_offset_count);
      break;
    case 4:
      damage_count(chance(2) ? &o->kv_lengths_count : &d->query_counts_count);
      break;
    case 5:
      o->isa = d->isa = chance(2) ? "" : "neon avx2 scalar";
      break;
    case 6:
      o->size = d->size = (size_t)hostile();
      if (o->size > sizeof *o) o->size = d->size = (size_t)-1; /* more would be read, as asked */
      break;
    case 7:
      damage_view(in, &o->bias);
      break;
    case 8:
      damage_view(in, chance(2) ? &o->sinks : &d->sinks);
      break;
    case 9:
      damage_view(in, chance(2) ? &o->alibi_slopes : &d->alibi_slopes);
      break;
    default:
      damage_numbers(in);
  }
}

static void damage_forward(land* in, calls* c) {
  attend_view* read[] = {&c->forward.query, &c->forward.key, &c->forward.value};
  attend_mutable_view* written[] = {&c->forward.output, &c->forward.lse, &c->forward.column_sums};
  if (chance(2))
    damage_view(in, read[draw(3)]);
  else
    damage_written(in, written[draw(3)]);
}

static void damage_backward(land* in, calls* c) {
  attend_attention_gradient_tensors* b = &c->backward;
  attend_view* read[] = {&b->query, &b->key, &b->value, &b->output, &b->lse, &b->output_gradient};
  attend_mutable_view* written[] = {&b->query_gradient, &b->key_gradient, &b->value_gradient,
                                    &b->bias_gradient, &b->sinks_gradient};
  if (chance(2))
    damage_view(in, read[draw(6)]);
  else
    damage_written(in, written[draw(5)]);
}

static void damage_cache(land* in, calls* c) {
  attend_view* read[] = {&c->cache.key, &c->cache.value, &c->cache.key_scale, &c->cache.value_scale};
  attend_mutable_view* written[] = {&c->written_cache.key, &c->written_cache.value,
                                    &c->written_cache.key_scale, &c->written_cache.value_scale};
  switch (draw(6)) {
    case 0:
      c->cache.pages_per_sequence = c->written_cache.pages_per_sequence = hostile();
      break;
    case 1:
      damage_count(&c->cache.block_table_count);
      c->written_cache.block_table_count = c->cache.block_table_count;
      break;
    case 2:
      damage_count(&c->cache.lengths_count);
      c->written_cache.lengths_count = c->cache.lengths_count;
      break;
    case 3:
      damage_count(&c->cache.sequences_count);
      c->written_cache.sequences = in->small[1];
      c->written_cache.sequences_count = c->cache.sequences_count;
      break;
    case 4:
      damage_view(in, read[draw(4)]);
      break;
    default:
      damage_written(in, written[draw(4)]);
  }
}

static void damage_decode(land* in, calls* c) {
  switch (draw(6)) {
    case 0:
      damage_view(in, &c->decode.query);
      break;
    case 1:
      damage_written(in, &c->decode.output);
      break;
    case 2:
      damage_written(in, &c->decode.lse);
      break;
    case 3:
      damage_view(in, chance(2) ? &c->tokens.key : &c->tokens.value);
      break;
    case 4:
      damage_count(&c->tokens.counts_count);
      break;
    default:
      damage_cache(in, c);
  }
}

static void damage_merge(land* in, calls* c) {
  attend_view* read[] = {&c->merge.first_output, &c->merge.first_lse, &c->merge.second_output,
                         &c->merge.second_lse};
  if (chance(2))
    damage_view(in, read[draw(4)]);
  else
    damage_written(in, chance(2) ? &c->merge.output : &c->merge.lse);
}

/* --- The operations --- */

typedef attend_code (*operation)(const calls*);

static attend_code run_forward(const calls* c) {
  return attend_attention(&c->forward, &c->options, NULL);
}
static attend_code run_backward(const calls* c) {
  return attend_attention_backward(&c->backward, &c->options, NULL);
}
static attend_code run_decode(const calls* c) {
  return attend_attention_decode(&c->decode, &c->decode_options, NULL);
}
static attend_code run_append(const calls* c) {
  return attend_kv_append(&c->tokens, &c->written_cache, NULL);
}
static attend_code run_merge(const calls* c) {
  return attend_merge(&c->merge, NULL);
}

/* These look, and write nothing at all. */
static attend_code run_inspections(const calls* c) {
  char line[64];
  size_t bytes, length;
  attend_code code = attend_attention_scratch_bytes(&c->forward, &c->options, 2, &bytes);
  CHECK(code == attend_explain(&c->forward, &c->options, line, sizeof line, &length));
  const attend_code decode = attend_attention_decode_scratch_bytes(&c->decode, &c->decode_options, 2, &bytes);
  CHECK(decode == attend_explain_decode(&c->decode, &c->decode_options, line, sizeof line, &length));
  const attend_code backward = attend_attention_backward_scratch_bytes(&c->backward, &c->options, 2, &bytes);
  return code != ATTEND_OK ? code : decode != ATTEND_OK ? decode : backward;
}

/* --- What is asked of them --- */

static int near(float a, float b) {
  if (isnan(a) || isnan(b)) return isnan(a) == isnan(b);
  if (isinf(a) || isinf(b)) return a == b;
  return fabsf(a - b) <= 1e-4f * (1 + fabsf(a) + fabsf(b));
}

/* The same call in plain loops gives the same numbers everywhere, outputs and what lies around them. */
static void check_against_plain_loops(operation run, land* in, calls* c, const land* before) {
  static land result;
  result = *in;
  *in = *before;
  c->options.isa = c->decode_options.isa = "scalar";
  CHECK(run(c) == ATTEND_OK);
  int differ = 0;
  for (int f = 0; f < kFields; ++f) {
    for (int n = 0; n < kFieldFloats; ++n) differ += !near(in->fields[f][n], result.fields[f][n]);
  }
  CHECK(differ == 0);
}

static int refused, answered;

static void run_damaged(operation run, void (*damage)(land*, calls*)) {
  static land in, before;
  calls c;
  fill_land(&in);
  make_calls(&in, &c);
  huge_left = 1;
  retyped = 0;
  for (uint64_t n = draw(3); n < 3; ++n) {
    if (chance(3))
      damage_options(&in, &c);
    else
      damage(&in, &c);
  }
  before = in;
  const attend_code code = run(&c);
  if (code == ATTEND_OK) {
    ++answered;
    if (run != run_inspections && !retyped) check_against_plain_loops(run, &in, &c, &before);
    return;
  }
  ++refused;
  CHECK(code == ATTEND_INVALID_ARGUMENT || code == ATTEND_UNSUPPORTED);
  CHECK(attend_last_error()[0] != '\0');
  CHECK(memcmp(&in, &before, sizeof in) == 0);
}

static void damaged_calls_are_refused_or_right(void) {
  const struct {
    const char* name;
    operation run;
    void (*damage)(land*, calls*);
  } all[] = {{"attention", run_forward, damage_forward},
             {"backward", run_backward, damage_backward},
             {"decode", run_decode, damage_decode},
             {"append", run_append, damage_decode},
             {"merge", run_merge, damage_merge},
             {"inspections", run_inspections, damage_forward},
             {"inspections", run_inspections, damage_decode}};
  for (size_t n = 0; n < sizeof all / sizeof *all; ++n) {
    refused = answered = 0;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const int before = failures;
      state = round * 2654435761u + n;
      run_damaged(all[n].run, all[n].damage);
      if (failures == before) continue;
      printf("  in %s, round %llu\n", all[n].name, (unsigned long long)round);
      break;
    }
    CHECK(refused > kRounds / 10 && answered > kRounds / 50); /* both happen, or little is tested */
  }
}

static void hostile_sizes_make_no_cache(void) {
  state = 1;
  int made = 0;
  for (int round = 0; round < kRounds; ++round) {
    attend_kv_cache_options o = {.size = sizeof o, .dtype = (int32_t)draw(8) - 1};
    int64_t* sizes[] = {&o.sequences,   &o.capacity,  &o.kv_heads, &o.key_width,
                        &o.value_width, &o.page_size, &o.pages};
    for (int n = 0; n < 7; ++n) {
      huge_left = chance(8);
      *sizes[n] = chance(2) ? 1 + (int64_t)draw(8) : hostile_stride();
    }
    attend_kv_cache* cache = NULL;
    const attend_code code = attend_kv_cache_create(&o, &cache);
    CHECK((code == ATTEND_OK) == (cache != NULL));
    if (code == ATTEND_OK) {
      ++made;
      CHECK(attend_kv_cache_bytes(cache) > 0 && attend_kv_cache_free_pages(cache) > 0);
    }
    attend_kv_cache_destroy(cache);
  }
  CHECK(made > kRounds / 50 && made < kRounds / 2);
}

void test_hostile(void) {
  damaged_calls_are_refused_or_right();
  hostile_sizes_make_no_cache();
}
