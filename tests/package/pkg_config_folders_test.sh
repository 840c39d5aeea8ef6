#!/bin/sh
# pkg_config_folders_test.sh CMAKE SOURCE BUILD: the pkg-config file of a shared library in a folder outside the prefix
# needs nothing else and names the folder.
set -eu
cmake="$1" source="$2" build="$3"
"$cmake" -S "$source" -B "$build" -DATTEND_ENGINE_ONLY=ON -DBUILD_SHARED_LIBS=ON \
  -DCMAKE_INSTALL_PREFIX=/opt/attend -DCMAKE_INSTALL_LIBDIR=/opt/libraries/lib >/dev/null
export PKG_CONFIG_LIBDIR="$build"  # where Highway is not
flags="$(pkg-config --cflags --libs attend | sed 's/ *$//')"
expected="-I/opt/attend/include -L/opt/libraries/lib -lattend"
[ "$flags" = "$expected" ] || { echo "pkg-config says \"$flags\", but \"$expected\" is right"; exit 1; }
