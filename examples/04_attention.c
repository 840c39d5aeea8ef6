/* Attention from C: forward and backward. */
#include <stdio.h>

#include "attend/attend.h"

enum { H = 2, T = 3, D = 4 };

int main(void) {
  float query[H * T * D], key[H * T * D], value[H * T * D], output[H * T * D], lse[H * T];
  float output_gradient[H * T * D], query_gradient[H * T * D], key_gradient[H * T * D],
      value_gradient[H * T * D];
  for (int i = 0; i < H * T * D; ++i) {
    query[i] = (float)(i % 5) - 2;
    key[i] = (float)(i % 3) - 1;
    value[i] = (float)i;
    output_gradient[i] = 1;
  }

  const attend_attention_options options = {.size = sizeof options, .causal = ATTEND_CAUSAL_UPPER_LEFT};
  const attend_attention_tensors forward = {
      .size = sizeof forward,
      .query = attend_view_of(query, ATTEND_FLOAT32, 1, H, T, D),
      .key = attend_view_of(key, ATTEND_FLOAT32, 1, H, T, D),
      .value = attend_view_of(value, ATTEND_FLOAT32, 1, H, T, D),
      .output = attend_mutable_view_of(output, ATTEND_FLOAT32, 1, H, T, D),
      .lse = attend_mutable_view_of(lse, ATTEND_FLOAT32, 1, H, T, 1)};
  const attend_attention_gradient_tensors backward = {
      .size = sizeof backward,
      .query = forward.query,
      .key = forward.key,
      .value = forward.value,
      .output = attend_view_of(output, ATTEND_FLOAT32, 1, H, T, D),
      .lse = attend_view_of(lse, ATTEND_FLOAT32, 1, H, T, 1),
      .output_gradient = attend_view_of(output_gradient, ATTEND_FLOAT32, 1, H, T, D),
      .query_gradient = attend_mutable_view_of(query_gradient, ATTEND_FLOAT32, 1, H, T, D),
      .key_gradient = attend_mutable_view_of(key_gradient, ATTEND_FLOAT32, 1, H, T, D),
      .value_gradient = attend_mutable_view_of(value_gradient, ATTEND_FLOAT32, 1, H, T, D)};

  if (attend_attention(&forward, &options, NULL) != ATTEND_OK ||
      attend_attention_backward(&backward, &options, NULL) != ATTEND_OK) {
    fprintf(stderr, "%s\n", attend_last_error());
    return 1;
  }
  printf("attend %s on %s\n", attend_version(), attend_isa_name(0));
  for (int i = 0; i < T; ++i) {
    printf("query %d: output %g, gradient of its value %g\n", i, output[i * D], value_gradient[i * D]);
  }
  return 0;
}
