// The guest: 64-bit code at 0x1000 with 2 MiB of identity-mapped memory. It prints by port 0x3f8, fills and sums memory that it has not
// touched before, takes an exception through its own IDT, prints what came out, and halts.
	.section .rodata
	.globl guest_start, guest_end
guest_start:
	.code64
	lea	hello(%rip), %rsi
	call	print
	// sum of i * i over 32768 quadwords, written first: page after page is new to the host
	mov	$0x40000, %rdi
	xor	%ecx, %ecx
1:	mov	%rcx, %rax
	imul	%rax, %rax
	mov	%rax, (%rdi, %rcx, 8)
	inc	%ecx
	cmp	$32768, %ecx
	jb	1b
	xor	%eax, %eax
2:	dec	%ecx
	add	(%rdi, %rcx, 8), %rax
	test	%ecx, %ecx
	jnz	2b
	call	number
	// an invalid opcode, and its handler, which skips it
	lea	idt_pointer(%rip), %rax
	lidt	(%rax)
	xor	%ebx, %ebx
	ud2
	mov	%rbx, %rax
	call	number
	// CPUID exits, and KVM gives its signature: "KVMK"
	mov	$0x40000000, %eax
	cpuid
	mov	%ebx, %eax
	call	number
	// SSE
	mov	$3, %eax
	cvtsi2sd %eax, %xmm0
	mulsd	%xmm0, %xmm0
	cvtsd2si %xmm0, %rax
	call	number
	lea	bye(%rip), %rsi
	call	print
	hlt
print:
	mov	$0x3f8, %dx
3:	lodsb
	test	%al, %al
	jz	4f
	outb	%al, %dx
	jmp	3b
4:	ret
// RAX in hexadecimal, and a new line
number:
	push	%rcx
	mov	%rax, %r8
	mov	$0x3f8, %dx
	mov	$16, %ecx
5:	rol	$4, %r8
	mov	%r8d, %eax
	and	$15, %eax
	cmp	$10, %al
	jb	6f
	add	$'a' - '0' - 10, %al
6:	add	$'0', %al
	outb	%al, %dx
	loop	5b
	mov	$10, %al
	outb	%al, %dx
	pop	%rcx
	ret
invalid:
	mov	$0xdead, %ebx
	addq	$2, (%rsp)
	iretq
hello:	.asciz	"hello from a 64-bit guest\n"
bye:	.asciz	"halting\n"
	.balign	8
	// gates 0 to 6; the guest stands at 0x1000
idt:	.fill	12, 8, 0
	.word	(invalid - guest_start) + 0x1000, 8, 0x8e00, 0
	.quad	0
idt_pointer:
	.word	7 * 16 - 1
	.quad	(idt - guest_start) + 0x1000
guest_end:
	.section .note.GNU-stack, "", @progbits
