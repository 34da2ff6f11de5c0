# Entry, the stubs of all vectors, and the way into a fragment and back.
        .section .multiboot, "a"
        .align  4
        .long   0x1badb002, 0, -0x1badb002

        .text
        .globl  start, stubs, enter, leave, failed
start:  mov     $stack_top, %esp
        call    main
        hlt

# void enter(u32 *frame): registers by popa, then IRET; comes back by leave
enter:  mov     4(%esp), %eax
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     %esp, kernel_esp
        mov     %eax, %esp
        pop     %eax
        mov     %eax, %ds
        mov     %eax, %es
        popa
        iret
leave:  mov     kernel_esp, %esp
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        pushl   $2
        popf
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
        pushl   $-1
        .endif
        pushl   $n
        jmp     common
        .set    n, n + 1
        .endr

common: pusha
        mov     %ds, %eax
        push    %eax
        mov     %es, %eax
        push    %eax
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        cld
        push    %esp
        call    report
        jmp     leave

# the task of the double fault
        .globl  double_fault
double_fault:
        call    report_double_fault
        jmp     leave

        .bss
        .align  16
        .skip   4096
stack_top:
kernel_esp: .long 0
        .globl  kernel_esp
