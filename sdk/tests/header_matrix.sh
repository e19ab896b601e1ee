#!/bin/sh
# Compiles every C header alone as C99..C++20, and the C++ ones as C++20, with gcc and clang. $1: the include folder.
cd "$1" || exit 1
flags="-I. -Wall -Wextra -Wpedantic -Werror -fsyntax-only"
num_failed=0
compile() { # compiler language standard header extra-flag
  echo "#include \"$4\"" | $1 -x "$2" -std="$3" $flags $5 - || { echo "$4 does not compile as $3 with $1"; num_failed=$((num_failed + 1)); }
}
for pair in gcc:g++ clang:clang++; do
  c=${pair%:*} cxx=${pair#*:}
  command -v "$cxx" >/dev/null || { echo "$cxx is not installed; run scripts/setup"; exit 1; }
  for header in trainhost/*.h trainhost/c/*.h; do
    for standard in c99 c11 c17; do compile "$c" c $standard "$header" -Wpadded; done
    for standard in c++11 c++14 c++17 c++20; do compile "$cxx" c++ $standard "$header" -Wpadded; done
  done
  for header in trainhost/*.hpp; do compile "$cxx" c++ c++20 "$header" -Wshadow; done
done
exit $num_failed
