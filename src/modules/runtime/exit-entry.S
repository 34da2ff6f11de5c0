/*
 * Where VM exits arrive when modules handle some of them: HOST_RIP. GS has the state-save page (exits.h), RSP the exit stack. What no
 * handler takes goes on to the gate, where TypeScript handles it, with all registers as the guest had them.
 */
#define GUEST_RSP 0x681c
#define GUEST_RIP 0x681e
#define HOST_GS_BASE 0x6c08

.macro general operation
  \operation rbx, 0x08
  \operation rcx, 0x10
  \operation rdx, 0x18
  \operation rbp, 0x20
  \operation rsi, 0x28
  \operation rdi, 0x30
  \operation r8, 0x38
  \operation r9, 0x40
  \operation r10, 0x48
  \operation r11, 0x50
  \operation r12, 0x58
  \operation r13, 0x60
  \operation r14, 0x68
  \operation r15, 0x70
.endm
.macro save register, offset
  mov %\register, %gs:\offset
.endm
.macro restore register, offset
  mov %gs:\offset, %\register
.endm

.text
.globl exit_entry
.type exit_entry, @function
exit_entry:
  .cfi_startproc
  .cfi_undefined rip
  mov %rax, %gs:0
  general save
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups %xmm\n, %gs:0xc0+32*\n
  .endr
  mov $GUEST_RIP, %eax
  vmread %rax, %gs:0x78
  mov $GUEST_RSP, %eax
  vmread %rax, %gs:0x80
  mov $HOST_GS_BASE, %eax
  vmread %rax, %rdi
  and $-32, %rsp
  xor %ebp, %ebp
  call exit_dispatch

  mov $GUEST_RIP, %ecx
  vmwrite %gs:0x78, %rcx
  mov $GUEST_RSP, %ecx
  vmwrite %gs:0x80, %rcx
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups %gs:0xc0+32*\n, %xmm\n
  .endr
  test %eax, %eax
  general restore
  mov %gs:0, %rax
  jz 1f
  vmresume
  ud2                          /* the guest cannot go on like this: TypeScript is told */
1:
  jmp *exit_gate(%rip)
  .cfi_endproc
.size exit_entry, . - exit_entry

.section .note.GNU-stack, "", @progbits
