#!/bin/sh
# Builds test/fixtures/modes/modes.elf, and with the argument `record` lets Bochs print modes.txt from it. Needs gcc with -m32; Bochs 2.7.
set -e
cd "$(dirname "$0")"
out=../../fixtures/modes
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
gcc -m32 -O1 -std=gnu11 -Wall -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -mgeneral-regs-only \
  -fcf-protection=none -c modes.c -o "$work/modes.o"
gcc -m32 -c entry.S -o "$work/entry.o"
ld -m elf_i386 -T modes.ld -z noexecstack --no-warn-rwx-segments --build-id=none "$work/entry.o" "$work/modes.o" -o "$work/modes"
strip -o $out/modes.elf "$work/modes"
[ "$1" = record ] || exit 0

# a disk that the BIOS boots
objcopy -O binary "$work/modes" "$work/flat"
gcc -m32 -c -Wa,--defsym,ENTRY="0x$(nm "$work/modes" | awk '$3 == "start" { print $1 }')" ../../../bench/kernels/disk.S -o "$work/disk.o"
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
timeout 60 bochs -q -f "$work/bochsrc" -rc "$work/commands" > /dev/null 2>&1 || true
# the BIOS may have written to the port before
strings -n 4 "$work/serial" | grep -e ' -> ' -e '^done' > $out/modes.txt
