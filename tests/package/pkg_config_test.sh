#!/bin/sh
# pkg_config_test.sh LIBDIR CONSUMER OUT CXX CC FLAGS README: builds the consumers and README's C++ with what pkg-config
# says, and runs them.
set -eu
libdir="$1" consumer="$2" out="$3" cxx="$4" cc="$5" flags="$6" readme="$7"
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
# shellcheck disable=SC2046,SC2086 # flags are words
build() {
  "$@" -Wall -Wextra -Werror $flags $(pkg-config --cflags attend) -o "$out/pkg_config_consumer" \
    $(pkg-config --libs attend)
  "$out/pkg_config_consumer"
}
build "$cxx" -std=c++20 "$consumer/main.cc"
build "$cc" -std=c11 "$consumer/main.c"

# The sample is some includes, and what a function does with them.
sample="$(sed -n '/^```cpp$/,/^```$/{/^```/d;p;}' "$readme")"
{
  echo "$sample" | grep '^#include'
  echo 'int main() {'
  echo '  constexpr int64_t B = 1, Hq = 4, Hkv = 2, Tq = 3, Tk = 5, D = 8, Dv = 6;'
  echo '  static float q[B * Hq * Tq * D], k[B * Hkv * Tk * D], v[B * Hkv * Tk * Dv], o[B * Hq * Tq * Dv];'
  echo "$sample" | grep -v '^#include'
  echo '  return s.ok() ? 0 : 1;'
  echo '}'
} >"$out/readme.cc"
build "$cxx" -std=c++20 "$out/readme.cc"
