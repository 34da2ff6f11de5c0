#!/bin/sh
# Builds the demonstration's program: sh build.sh [OUTPUT], by default the committed image. Needs gcc and binutils, no library.
set -e
cd "$(dirname "$0")"
gcc -O2 -std=gnu11 -Wall -Wextra -march=x86-64 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none \
  -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -nostdlib -static -no-pie -s \
  -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code tour.c text.c sha256.c picture.c -o "${1:-tour}"
