#!/bin/sh
# Builds the program that runs a guest by /dev/kvm: sh build.sh [OUTPUT], by default the committed one. Needs gcc and the kernel's headers.
set -e
cd "$(dirname "$0")"
output=$(cd "$(dirname "${1:-kvm}")" && pwd)/$(basename "${1:-kvm}")
${CC:-gcc} -Os -std=gnu2x -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none \
  -fno-asynchronous-unwind-tables -nostdlib -static -s -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code \
  start.S guest.S kvm.c -o "$output"
