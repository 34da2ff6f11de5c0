/*
 * The way into the VMM's code: execute_entry(stack, function, first, second) calls function(first, second) on a stack of its own.
 *
 *     top of the stack, aligned to 32 KiB
 *       -20h   thread context: CPU, thread-local block (the driver has written it)
 *       -40h   canary; RSP of function is 8 below
 *
 * Whoever writes over the end of its frame meets the canary first. The caller's RSP is kept away from that stack.
 */
.text
.globl execute_entry
.type execute_entry, @function
execute_entry:
  .cfi_startproc
  .cfi_undefined rip
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  push entered(%rip)
  sub $0x108, %rsp
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups %xmm\n, 16*\n(%rsp)
  .endr
  mov %rsp, entered(%rip)

  lea 1(%rdi), %rsp
  and $-32, %rsp
  sub $0x40, %rsp
  movabs $0xabcdef1234567890, %rax
  mov %rax, (%rsp)
  mov %rsi, %rax
  mov %rdx, %rdi
  mov %rcx, %rsi
  xor %ebp, %ebp
  call *%rax

  movabs $0xabcdef1234567890, %rdx
  cmp %rdx, (%rsp)
  je 1f
  movabs $0x8000000000000010, %rax    /* ENTRY_ERROR_STACK_OVERFLOW */
1:
  mov entered(%rip), %rsp
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups 16*\n(%rsp), %xmm\n
  .endr
  add $0x108, %rsp
  pop entered(%rip)
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .cfi_endproc
.size execute_entry, . - execute_entry

.globl thread_context
.hidden thread_context
.type thread_context, @function
thread_context:
  .cfi_startproc
  mov %rsp, %rax
  and $-0x8000, %rax
  add $0x7fe0, %rax
  ret
  .cfi_endproc
.size thread_context, . - thread_context

.bss
.balign 8
/* RSP of the innermost execute_entry, behind its saved registers */
entered:
  .skip 8

/* first in the section, because it is linked first: the runtime unwinds through itself before anybody has registered it */
.section .eh_frame, "a"
.globl runtime_eh_frame
.hidden runtime_eh_frame
runtime_eh_frame:

.section .note.GNU-stack, "", @progbits
