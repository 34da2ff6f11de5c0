#!/bin/sh
# Builds build/kernels/devices, the guest of bench/devices.ts, a multiboot image; bench/devices/guest is a copy of it. Needs gcc and binutils, no libraries.
set -e
cd "$(dirname "$0")"
out=../../build/kernels
mkdir -p $out/o
gcc -m32 -march=i686 -O2 -std=gnu11 -Wall -ffreestanding -fno-stack-protector -fno-pic -fcf-protection=none -fno-asynchronous-unwind-tables \
  -c guest.c -o $out/o/devices.o
gcc -m32 -c ../kernels/boot.S -o $out/o/devices-boot.o
ld -m elf_i386 -n -s -T guest.ld --no-warn-rwx-segments $out/o/devices-boot.o $out/o/devices.o -o $out/devices
