#!/bin/sh
# exports_test.sh NM LIBRARY: every symbol that the shared library exports is part of its interface.
set -eu
exported="$("$1" -DC --defined-only "$2" | cut -d' ' -f3-)"
echo "$exported" | grep -qx 'attend_attention' || { echo "attend_attention is not exported"; exit 1; }
odd="$(echo "$exported" | grep -Ev '^attend_[a-z_]+$|^attend::(KvCache::)?[~=A-Za-z_ ]+(\[abi:cxx11\])?\(' || true)"
[ -z "$odd" ] || { echo "exported, but no part of the interface:"; echo "$odd"; exit 1; }
