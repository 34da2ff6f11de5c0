/* Boot sector of a disk image for emulators that have a BIOS but no multiboot loader (Bochs): sector 0 is this code, sector 1 the kernels'
   command line, the rest bare64 or bare32 as a flat image. Loads the lot, enters protected mode and hands over as a multiboot loader would:
   flat segments, EBX at an information block with the command line. */
    .set LOAD, 0x10000              /* where the BIOS reads to: command line, then the kernel */
    .set SECTORS, 120               /* one transfer must stay within 64 KiB */
    .set KERNEL, 0x100000
    .code16
    .globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    in $0x92, %al                   /* A20 on */
    or $2, %al
    out %al, $0x92
    mov $packet, %si
    mov $0x42, %ah                  /* extended read; the BIOS leaves the drive in DL */
    int $0x13
    jc stop
    lgdt gdtr
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmp $8, $flat
stop:
    hlt
    jmp stop
    .code32
flat:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $LOAD + 512, %esi
    mov $KERNEL, %edi
    mov $(SECTORS - 1) * 512 / 4, %ecx
    rep movsl
    mov $information, %ebx
    mov $0x2BADB002, %eax
    jmp ENTRY

    .balign 8
packet:
    .byte 16, 0
    .word SECTORS, 0, LOAD >> 4
    .quad 1
gdt:
    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:
    .word 23
    .long gdt
information:
    .long 4, 0, 0, 0, LOAD
    .org 510
    .word 0xaa55
