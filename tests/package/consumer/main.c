/* The same from C: one query sees two keys, the second of which is hidden. */
#include <math.h>
#include <stdio.h>

#include "attend/attend.h"

int main(void) {
  const float query[2] = {1, 2}, key[4] = {3, 4, 5, 6}, value[2] = {7, NAN};
  const int64_t length = 1;
  float output = NAN;
  const attend_attention_options options = {
      .size = sizeof options, .kv_lengths = &length, .kv_lengths_count = 1};
  const attend_attention_tensors tensors = {
      .size = sizeof tensors,
      .query = attend_view_of(query, ATTEND_FLOAT32, 1, 1, 1, 2),
      .key = attend_view_of(key, ATTEND_FLOAT32, 1, 1, 2, 2),
      .value = attend_view_of(value, ATTEND_FLOAT32, 1, 1, 2, 1),
      .output = attend_mutable_view_of(&output, ATTEND_FLOAT32, 1, 1, 1, 1)};
  if (attend_attention(&tensors, &options, NULL) != ATTEND_OK) {
    fprintf(stderr, "%s\n", attend_last_error());
    return 1;
  }
  printf("attend %s: %g\n", attend_version(), output);
  return output == 7.0f ? 0 : 1;
}
