#!/bin/sh
# pkg_config_test.sh LIBDIR CONSUMER OUT CXX CC FLAGS: builds the consumers with what pkg-config says, and runs them.
set -eu
libdir="$1" consumer="$2" out="$3" cxx="$4" cc="$5" flags="$6"
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
# shellcheck disable=SC2046,SC2086 # flags are words
build() { "$@" $flags $(pkg-config --cflags attend) -o "$out/pkg_config_consumer" $(pkg-config --libs attend); }
build "$cxx" -std=c++20 "$consumer/main.cc"
"$out/pkg_config_consumer"
build "$cc" -std=c11 "$consumer/main.c"
"$out/pkg_config_consumer"
