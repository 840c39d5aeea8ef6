#!/bin/sh
# pkg_config_test.sh LIBDIR CONSUMER OUT CXX FLAGS: builds the consumer with what pkg-config says, and runs it.
set -eu
libdir="$1" consumer="$2" out="$3" cxx="$4" flags="$5"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
# shellcheck disable=SC2046,SC2086 # flags are words
"$cxx" -std=c++20 $flags $(pkg-config --cflags attend) "$consumer/main.cc" -o "$out/pkg_config_consumer" \
  $(pkg-config --libs attend)
LD_LIBRARY_PATH="$libdir" "$out/pkg_config_consumer"
