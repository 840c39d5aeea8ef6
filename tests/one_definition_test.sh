#!/bin/sh
# one_definition_test.sh FOLDER...: no two files define a type or an inline constant of one name in one namespace. The
# linker would take either for both, in silence. Goes by the layout that clang-format gives: what stands in a namespace
# begins its line, and a namespace that ends says so.
set -eu
find "$@" -name '*.h' -o -name '*.cc' | LC_ALL=C sort | xargs awk '
  function finish() {
    if (depth != 0) { print file ": its namespaces are not closed as clang-format closes them"; failed = 1 }
  }
  function define(name,    path, i) {
    for (i = 1; i <= depth; ++i) {
      if (space[i] == "") return  # of this file alone
      path = path space[i] "::"
    }
    name = path name
    if (name in home && home[name] != FILENAME) {
      print name " is defined in " home[name] " and in " FILENAME
      failed = 1
    }
    home[name] = FILENAME
    ++definitions
  }

  FNR == 1 { finish(); depth = 0; file = FILENAME }
  /^namespace .*[{]$/ {
    line = $0
    sub(/^namespace */, "", line)
    sub(/ *[{]$/, "", line)
    space[++depth] = line
    opened = FNR
  }
  /^}  \/\/ namespace/ || (/^}$/ && depth > 0 && FNR == opened + 2) { --depth }
  /^(struct|class|union|enum|enum class) / && (/[{]/ || !/; *(\/\/.*)?$/) {
    line = $0
    sub(/^(struct|class|union|enum class|enum) /, "", line)
    gsub(/\[\[[^]]*\]\] */, "", line)
    if (match(line, /^[A-Za-z_][A-Za-z_0-9:]*/)) {
      name = substr(line, 1, RLENGTH)
      if (substr(line, RLENGTH + 1, 1) != "<") define(name)  # not a specialization
    }
  }
  /^inline constexpr / && match($0, / k[A-Z][A-Za-z0-9]*/) { define(substr($0, RSTART + 1, RLENGTH - 1)) }

  END {
    finish()
    if (definitions == 0) { print "no definitions were found"; failed = 1 }
    exit failed
  }'
