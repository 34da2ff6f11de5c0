#!/bin/sh
# Builds the operating system's image: sh build.sh [OUTPUT], by default the committed one. Needs gcc (or CC=clang) and binutils, no library.
set -e
cd "$(dirname "$0")"
image=$(cd "$(dirname "${1:-image}")" && pwd)/$(basename "${1:-image}")
cc=${CC:-gcc}
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
flags="-Os -std=gnu2x -Wall -Wextra -Werror -march=x86-64 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none
  -fno-asynchronous-unwind-tables -fno-unwind-tables"
link="-nostdlib -static -s -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096"

# programs, in the order in which the archive lists them; each is its own source, with what else it needs
program() {
  name=$1
  shift
  $cc $flags -fno-ident $link -Wl,-z,noseparate-code user/start.S user/print.c text.c "user/$name.c" "$@" -o "$out/$name"
  files="$files $out/$name"
}
for name in sh cat cpuid crash fault ls mem picture pi poweroff primes ps; do program $name; done
program selftest user/selftest-processor.c user/selftest-kernel.c user/selftest-float.c
program sha256 user/digest.c
for name in spin uptime vmcall; do program $name; done
chmod 644 $files
ar rcDS "$out/archive" $files user/demo

$cc $flags $link -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -Wl,-T,kernel.ld -DARCHIVE="\"$out/archive\"" \
  boot.S entry.S archive-data.S ./*.c -o "$image"
chmod 644 "$image"
