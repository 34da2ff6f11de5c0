/*
 * Where unwinding leaves and enters the compiler's world: registers into a struct registers (unwind.h) and back. What a function has to
 * preserve is all that can matter to a landing pad, besides RAX and RDX, which it is given.
 */
#define RBX 0x18
#define RBP 0x30
#define RSP 0x38
#define R12 0x60
#define R13 0x68
#define R14 0x70
#define R15 0x78
#define RIP 0x80
#define SIZE 0x88

.macro captured name, to
.globl \name
.type \name, @function
\name:
  .cfi_startproc
  lea 8(%rsp), %rax
  mov (%rsp), %rdx
  sub $SIZE, %rsp
  .cfi_adjust_cfa_offset SIZE
  mov %rbx, RBX(%rsp)
  mov %rbp, RBP(%rsp)
  mov %rax, RSP(%rsp)
  mov %r12, R12(%rsp)
  mov %r13, R13(%rsp)
  mov %r14, R14(%rsp)
  mov %r15, R15(%rsp)
  mov %rdx, RIP(%rsp)
  mov %rsp, %rdx
  call \to
  add $SIZE, %rsp
  .cfi_adjust_cfa_offset -SIZE
  ret
  .cfi_endproc
.size \name, . - \name
.endm

.text
captured _Unwind_RaiseException, unwind_raise
captured _Unwind_Resume_or_Rethrow, unwind_raise
captured _Unwind_Resume, unwind_resume
captured _Unwind_Backtrace, unwind_backtrace

/* unwind_install(registers) does not return */
.globl unwind_install
.hidden unwind_install
.type unwind_install, @function
unwind_install:
  .cfi_startproc
  .cfi_undefined rip
  mov RBX(%rdi), %rbx
  mov RBP(%rdi), %rbp
  mov R12(%rdi), %r12
  mov R13(%rdi), %r13
  mov R14(%rdi), %r14
  mov R15(%rdi), %r15
  mov (%rdi), %rax
  mov 8(%rdi), %rdx
  mov RIP(%rdi), %rcx
  mov RSP(%rdi), %rsp
  jmp *%rcx
  .cfi_endproc
.size unwind_install, . - unwind_install

.section .note.GNU-stack, "", @progbits
