#!/bin/sh
# Builds test/fixtures/modes/modes32.elf and modes64.elf, and with the argument `record` lets Bochs print the .txt beside them. Needs gcc with
# -m32; Bochs 2.7 with its BIOS.
set -e
cd "$(dirname "$0")"
out=../../fixtures/modes
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
FLAGS="-O1 -std=gnu11 -Wall -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -mno-red-zone
  -mgeneral-regs-only -fcf-protection=none"

# a disk that the BIOS boots; what the BIOS wrote to the port before is dropped
record() {
  objcopy -O binary "$work/$1" "$work/flat"
  gcc -m32 -c -Wa,--defsym,ENTRY="0x$(nm "$work/$1" | awk '$3 == "start" { print $1 }')" ../../../bench/kernels/disk.S -o "$work/disk.o"
  ld -m elf_i386 -Ttext 0x7c00 --oformat binary -e _start "$work/disk.o" -o "$work/disk"
  dd if="$work/flat" of="$work/disk" bs=512 seek=2 conv=notrunc status=none
  truncate -s 516096 "$work/disk"
  cat > "$work/bochsrc" <<END
megs: 64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=disk, path=$work/disk, mode=flat, cylinders=1, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev=$work/serial
display_library: rfb, options="timeout=0"
sound: driver=dummy, waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
cpu: model=corei7_sandy_bridge_2600k, ips=20000000
log: $work/log
END
  echo continue > "$work/commands"
  rm -f "$work/disk.lock"
  timeout 60 bochs -q -f "$work/bochsrc" -rc "$work/commands" > /dev/null 2>&1 || true
  strings -n 4 "$work/serial" | grep -e ' -> ' -e '^done' > $out/$1.txt
}

# build NAME BITS LD-EMULATION
build() {
  gcc -m$2 $FLAGS -c modes$2.c -o "$work/modes.o"
  gcc -m$2 -c entry$2.S -o "$work/entry.o"
  ld -m $3 -T modes.ld -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments --build-id=none "$work/entry.o" "$work/modes.o" -o "$work/$1"
  objcopy -S -O elf32-i386 "$work/$1" $out/$1.elf
}

build modes32 32 elf_i386
build modes64 64 elf_x86_64
if [ "$1" = record ]; then
  record modes32
  record modes64
fi
