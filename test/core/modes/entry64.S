# Entry in 32-bit mode, the way to 64-bit mode, the stubs of all vectors, and the way into a fragment and back.
        .section .multiboot, "a"
        .align  4
        .long   0x1badb002, 0, -0x1badb002

        .text
        .globl  start, stubs, enter, leave
        .code32
start:  mov     $stack_top, %esp
        mov     $pdpt + 7, %eax
        mov     %eax, pml4
        mov     $directory + 7, %eax
        mov     %eax, pdpt
        movl    $0x87, directory                /* 4 MiB mapped to themselves, for everybody */
        movl    $0x200087, directory + 8
        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     $0x620, %eax
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx
        mov     $0x101, %eax                    /* LME, SCE */
        xor     %edx, %edx
        wrmsr
        mov     $0x80000011, %eax
        mov     %eax, %cr0
        lgdt    first_gdtr
        ljmp    $8, $long_mode
        .code64
long_mode:
        xor     %eax, %eax
        mov     %eax, %ss
        call    main
        hlt

# void enter(u64 *frame): data segments and registers by pops, then IRETQ; comes back by leave
enter:  push    %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, kernel_rsp
        mov     %rdi, %rsp
        pop     %rax
        mov     %eax, %ds
        mov     %eax, %es
        pop     %rax
        pop     %rbx
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
        pop     %rbp
        pop     %r11
        iretq
leave:  mov     kernel_rsp, %rsp
        xor     %eax, %eax
        mov     %eax, %ss
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        pushq   $2
        popfq
        ret

# 256 stubs of 16 bytes; a vector without an error code pushes a mark
        .align  16
stubs:
        .set    n, 0
        .rept   256
        .align  16
        .if     n == 8 || (n >= 10 && n <= 14) || n == 17
        nop
        nop
        .else
        pushq   $-1
        .endif
        pushq   $n
        jmp     common
        .set    n, n + 1
        .endr

common: push    %rdx
        push    %rcx
        push    %rbx
        push    %rax
        push    %r11
        mov     %ds, %eax
        push    %rax
        cld
        mov     %rsp, %rdi
        and     $-16, %rsp
        call    report
        jmp     leave

        .align  8
first_gdt: .quad 0, 0x00af9b000000ffff
first_gdtr: .word 15
        .long   first_gdt

        .bss
        .align  4096
pml4:   .skip   4096
pdpt:   .skip   4096
directory: .skip 4096
        .skip   8192
stack_top:
kernel_rsp: .quad 0
