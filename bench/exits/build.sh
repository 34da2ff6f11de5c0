#!/bin/sh
# Builds the hypervisor of bench:exits into FOLDER (build/exits): `hypervisor`, a multiboot image, and `hypervisor.img`, the same on a bootable disk.
set -e
cd "$(dirname "$0")"
out=${1:-../../build/exits}
kernels=../kernels
mkdir -p "$out"
gcc -O2 -g0 -std=gnu11 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none -mno-red-zone \
  -fno-asynchronous-unwind-tables -mgeneral-regs-only -m64 -c hypervisor.c -o "$out/hypervisor.o"
gcc -m64 -DLONG -c $kernels/boot.S -o "$out/boot.o"
ld -m elf_x86_64 -n -T $kernels/bare.ld --no-warn-rwx-segments "$out/boot.o" "$out/hypervisor.o" -o "$out/hypervisor.elf"
objcopy -S -O elf32-i386 "$out/hypervisor.elf" "$out/hypervisor"
objcopy -O binary "$out/hypervisor.elf" "$out/hypervisor.bin"
entry=$(nm "$out/hypervisor.elf" | awk '$3 == "_start" { print $1 }')
gcc -m32 -DENTRY="0x$entry" -c $kernels/disk.S -o "$out/disk.o"
ld -m elf_i386 --oformat binary -Ttext 0x7c00 "$out/disk.o" -o "$out/disk.bin"
rm -f "$out/hypervisor.img"
truncate -s 516096 "$out/hypervisor.img"
dd if="$out/disk.bin" of="$out/hypervisor.img" conv=notrunc status=none
dd if="$out/hypervisor.bin" of="$out/hypervisor.img" conv=notrunc bs=512 seek=2 status=none
