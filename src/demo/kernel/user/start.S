  .text
  .globl _start
_start:
  xor %ebp, %ebp
  call main
  mov %eax, %edi
  xor %eax, %eax                      /* EXIT */
  syscall
  .section .note.GNU-stack, "", @progbits
