#!/bin/sh
# Builds the kernels into build/kernels: bench64 (static Linux ELF, all kernels), bare64 and bare32 (multiboot), bare64.img and
# bare32.img (the same on bootable disks). `sh build.sh committed` builds only bench64 and bare64. Needs gcc and binutils, no libraries.
set -e
cd "$(dirname "$0")"
out=../../build/kernels
mkdir -p $out/o
KERNELS="alu alu64 sieve crc32 sha256 matmul nbody qsort list mem vm fib str hash main table"
FLAGS="-O2 -g0 -std=gnu11 -Wall -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fcf-protection=none -fno-tree-vectorize
  -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -fno-optimize-sibling-calls -mno-red-zone"

compile() { # compile TAG FLAGS… : all kernels and both runtimes
  tag=$1
  shift
  objects=
  for k in $KERNELS; do
    gcc $FLAGS "$@" -c $k.c -o $out/o/$k.$tag.o
    objects="$objects $out/o/$k.$tag.o"
  done
  gcc $FLAGS "$@" -c rt_linux.c -o $out/o/rt_linux.$tag.o
  gcc $FLAGS "$@" -c rt_bare.c -o $out/o/rt_bare.$tag.o
}

compile 64 -m64 -march=x86-64
gcc -m64 -nostdlib -static -no-pie -s -Wl,--build-id=none -Wl,-z,noexecstack $out/o/rt_linux.64.o $objects -o $out/bench64

# bare BITS LD-EMULATION BOOT-FLAGS…: the multiboot ELF, which is a 32-bit one in both cases
bare() {
  bits=$1 emulation=$2
  shift 2
  gcc -m$bits "$@" -c boot.S -o $out/o/boot.$bits.o
  ld -m $emulation -n -T bare.ld --no-warn-rwx-segments $out/o/boot.$bits.o $out/o/rt_bare.$bits.o $objects -o $out/o/bare$bits
  objcopy -S -O elf32-i386 $out/o/bare$bits $out/bare$bits
}

bare 64 elf_x86_64 -DLONG
[ "$1" = committed ] && exit

# disk BITS: a disk image of one cylinder (16 heads, 63 sectors) with the kernel from sector 2 on
disk() {
  objcopy -O binary $out/o/bare$1 $out/o/bare$1.bin
  entry=$(nm $out/o/bare$1 | awk '$3 == "_start" { print $1 }')
  gcc -m32 -DENTRY=0x$entry -c disk.S -o $out/o/disk.o
  ld -m elf_i386 --oformat binary -Ttext 0x7c00 $out/o/disk.o -o $out/o/disk.bin
  rm -f $out/bare$1.img
  truncate -s 516096 $out/bare$1.img
  dd if=$out/o/disk.bin of=$out/bare$1.img conv=notrunc status=none
  dd if=$out/o/bare$1.bin of=$out/bare$1.img conv=notrunc bs=512 seek=2 status=none
}

disk 64
compile 32 -m32 -march=pentium4 -msse2 -mfpmath=sse
bare 32 elf_i386
disk 32
