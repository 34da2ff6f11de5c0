/*
 * The ways into the kernel and out of it. All of them build a `struct frame` (traps.h) on the kernel stack.  SDM 3A "64-Bit Mode Stack
 * Frame", SDM 2B "SYSCALL"
 */
#include "layout.h"

/* exceptions that push an error code themselves: #DF #TS #NP #SS #GP #PF #AC #CP */
#define PUSHES_ERROR 0x00227d00

  .macro save_registers
  push %rax
  push %rcx
  push %rdx
  push %rbx
  push %rbp
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  .endm

  .macro restore_registers
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rbp
  pop %rbx
  pop %rdx
  pop %rcx
  pop %rax
  add $16, %rsp                       /* vector, error code */
  .endm

  .text
  .balign 16
  .globl interrupt_entries
interrupt_entries:
  .set vector, 0
  .rept VECTORS
  .balign 16
  .if vector > 31 || !(PUSHES_ERROR >> vector & 1)
  push $0
  .endif
  push $vector
  jmp interrupted
  .set vector, vector + 1
  .endr

interrupted:
  save_registers
  cld
  mov %rsp, %rdi
  call on_interrupt
  .globl to_user
to_user:
  restore_registers
  iretq

/* one processor: a variable does for the user's stack pointer until it is pushed */
  .globl system_call_entry
system_call_entry:
  mov %rsp, user_stack(%rip)
  mov kernel_stack(%rip), %rsp
  push $(USER_DATA | RING_3)
  push user_stack(%rip)
  push %r11                           /* RFLAGS */
  push $(USER_CODE | RING_3)
  push %rcx                           /* RIP */
  push $0
  push $SYSTEM_CALL
  save_registers
  mov %rsp, %rdi
  call on_system_call
  restore_registers
  mov 24(%rsp), %rsp
  sysretq

  .globl switch_stacks
switch_stacks:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

  .bss
  .balign 8
user_stack: .skip 8
  .section .note.GNU-stack, "", @progbits
