/*
 * From the boot loader to C. A multiboot 1 or PVH loader leaves the processor in 32-bit protected mode without paging; this turns on
 * 64-bit mode with first page tables that show the first GiB of memory at three places: at 0, for the next instruction, in the direct
 * map and in the upper half, where the kernel is linked.  SDM 3A "Initializing IA-32e Mode"
 */
#define PHYSICAL(symbol) (symbol - 0xffffffff80000000)
#define ADDRESSES_GIVEN (1 << 16)
#define MEMORY_WANTED 2
#define MAGIC 0x1badb002
#define FLAGS (ADDRESSES_GIVEN | MEMORY_WANTED)

  .section .multiboot, "ax"
  .balign 4
header:
  .long MAGIC, FLAGS, -(MAGIC + FLAGS)
  .long PHYSICAL(header), PHYSICAL(kernel_start), PHYSICAL(data_end), PHYSICAL(kernel_end), PHYSICAL(multiboot_entry)

  .section .note.pvh, "a", @note
  .long 4, 4, 18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
  .asciz "Xen"
  .long PHYSICAL(pvh_entry)

  .text
  .code32
  .globl multiboot_entry
multiboot_entry:
  mov $PHYSICAL(start_multiboot), %edi
  jmp to_long_mode
pvh_entry:
  mov $PHYSICAL(start_pvh), %edi

to_long_mode:                         /* EBX: what the loader tells, EDI: who reads it */
  cli
  cld
  mov $PHYSICAL(first_directory), %eax
  mov $0x83, %edx                     /* present, writable, large */
1:mov %edx, (%eax)
  add $8, %eax
  add $0x200000, %edx
  cmp $0x40000083, %edx
  jne 1b
  movl $PHYSICAL(first_directory) + 3, PHYSICAL(first_directories)
  movl $PHYSICAL(first_directory) + 3, PHYSICAL(first_directories) + 510 * 8
  mov $PHYSICAL(first_directories) + 3, %eax
  mov %eax, PHYSICAL(first_table)
  mov %eax, PHYSICAL(first_table) + 256 * 8
  mov %eax, PHYSICAL(first_table) + 511 * 8
  mov $PHYSICAL(first_table), %eax
  mov %eax, %cr3
  mov $0x620, %eax                    /* PAE, OSFXSR, OSXMMEXCPT */
  mov %eax, %cr4
  mov $0xc0000080, %ecx               /* IA32_EFER.LME */
  rdmsr
  or $0x100, %eax
  wrmsr
  mov $0x80050033, %eax               /* PG, AM, WP, NE, ET, MP, PE */
  mov %eax, %cr0
  lgdt PHYSICAL(first_descriptors_at)
  ljmp $8, $PHYSICAL(in_long_mode)

  .code64
in_long_mode:
  movabs $in_upper_half, %rax
  jmp *%rax
in_upper_half:
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  lea boot_stack_end(%rip), %rsp
  xor %ebp, %ebp
  mov %edi, %eax
  or $0xffffffff80000000, %rax        /* its address in the upper half */
  mov %ebx, %edi
  call *%rax
  ud2

  .section .rodata
  .balign 8
first_descriptors:
  .quad 0, 0x00af9a000000ffff
first_descriptors_at:
  .word 15
  .long PHYSICAL(first_descriptors)

  .bss
  .balign 4096
first_table: .skip 4096
first_directories: .skip 4096
first_directory: .skip 4096
  .skip 8192
  .globl boot_stack_end
boot_stack_end:
  .section .note.GNU-stack, "", @progbits
