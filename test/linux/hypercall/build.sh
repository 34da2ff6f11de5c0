#!/bin/sh
# Builds the program that calls the VMM: sh build.sh [OUTPUT], by default the committed one. Needs gcc and the kernel's headers.
set -e
cd "$(dirname "$0")"
output=$(cd "$(dirname "${1:-hypercall}")" && pwd)/$(basename "${1:-hypercall}")
${CC:-gcc} -Os -std=gnu2x -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none \
  -fno-asynchronous-unwind-tables -nostdlib -static -s -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code \
  start.S hypercall.c -o "$output"
