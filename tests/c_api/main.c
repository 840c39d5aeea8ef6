/* The C ABI from a program in C: everything it offers, and everything it refuses. */
#include <stdio.h>
#include <string.h>

#include "check.h"

int main(void) {
  CHECK(strcmp(attend_version(), ATTEND_VERSION) == 0);
  CHECK(strcmp(attend_last_error(), "") == 0);
  test_forward();
  test_options();
  test_backward();
  test_varlen();
  test_rope();
  test_executors();
  test_errors();
  test_kv_cache();
  test_decode();
  test_hostile();
  if (failures == 0) puts("all is as it should be");
  return failures == 0 ? 0 : 1;
}
