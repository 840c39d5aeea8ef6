#!/bin/sh
# install_all_test.sh CMAKE BUILD PREFIX DOCUMENTS...: what is installed unless a component is named is whole.
set -eu
cmake="$1" build="$2" prefix="$3"
shift 3
rm -rf "$prefix"
"$cmake" --install "$build" --prefix "$prefix" >/dev/null
odd="$(ls "$prefix" | grep -vxE 'bin|include|lib|lib64|share' || true)"
[ -z "$odd" ] || { echo "installed, but part of nothing: $odd"; exit 1; }
for document in "$@"; do
  [ -s "$prefix/share/doc/attend/$document" ] || { echo "share/doc/attend/$document is not installed"; exit 1; }
done
