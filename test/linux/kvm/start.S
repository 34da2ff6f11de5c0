	.globl _start
_start:	xor	%ebp, %ebp
	and	$-16, %rsp
	call	start
	.section .note.GNU-stack, "", @progbits
