#!/bin/sh
# Builds the example modules: sh build.sh [FOLDER], by default the committed ones. Needs gcc.
set -e
folder=$(cd "${1:-$(dirname "$0")}" && pwd)
cd "$(dirname "$0")"
for name in cpuid-counter; do
  gcc -std=gnu2x -Os -Wall -Wextra -Werror -march=x86-64 -fPIC -shared -nostdlib -mno-red-zone -fno-stack-protector -fcf-protection=none \
    -Wl,--hash-style=sysv -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 $name.c -o "$folder/$name.so"
  chmod 644 "$folder/$name.so"
done
