#!/bin/sh
# Builds the runtime module: sh build.sh [OUTPUT], by default the committed one. Needs gcc, g++ and binutils, no library and no header.
set -e
output=${1:-$(dirname "$0")/runtime.so}
module=$(cd "$(dirname "$output")" && pwd)/$(basename "$output")
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
flags="-Os -Wall -Wextra -Werror -march=x86-64 -ffreestanding -fno-stack-protector -fPIC -mno-red-zone -fcf-protection=none
  -fno-tree-loop-distribute-patterns -fno-builtin"
c="$flags -std=gnu2x -fexceptions -Wno-parentheses"
cxx="$flags -std=gnu++20 -nostdinc++ -Wno-sized-deallocation -Wno-builtin-declaration-mismatch"

objects=
for part in entry unwind-registers exit-entry eh-frame-end; do gcc $flags -c $part.S -o "$out/$part.o"; done
for part in exits text format memory console stop threads eh-frame expression call-frame unwind personality; do
  gcc $c -c $part.c -o "$out/$part.o"
  objects="$objects $out/$part.o"
done
for part in crt exceptions type-info std new; do
  g++ $cxx -c $part.cc -o "$out/$part.o"
  objects="$objects $out/$part.o"
done
gcc -shared -nostdlib -Wl,--hash-style=sysv -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-soname,runtime.so \
  "$out/entry.o" "$out/unwind-registers.o" "$out/exit-entry.o" $objects "$out/eh-frame-end.o" -o "$module"
chmod 644 "$module"
