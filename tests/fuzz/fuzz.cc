#include "fuzz/fuzz.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

/// Memory that nobody has written to is NaN, so that scratch read too early shows in the answers.
extern "C" const char* __asan_default_options() {
  return "max_malloc_fill_size=1073741824:malloc_fill_byte=255";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  GTEST_FLAG_SET(throw_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Kind = void (*)(attend::Choices&);
  constexpr Kind kKinds[] = {attend::fuzz_forward,         attend::fuzz_sixteen_bits,
                             attend::fuzz_backward,        attend::fuzz_packed,
                             attend::fuzz_decode,          attend::fuzz_cache,
                             attend::fuzz_hostile_forward, attend::fuzz_hostile_backward,
                             attend::fuzz_hostile_decode,  attend::fuzz_hostile_append};
  attend::Choices choices({data, size});
  choices.of(kKinds)(choices);
  return 0;
}
