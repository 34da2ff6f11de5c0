/* Performs the port accesses listed in its multiboot module and sends what it read, and when, to the debug console.
 * Access: u8 kind, u8 0, u16 port, u32 value. Result: u64 time-stamp counter just before the access, u32 value, u32 0. */
        .set RESULTS, 0x800000
        .set OUT8, 0
        .set IN8, 1
        .set IN32, 2
        .set OUT16, 3
        .set WAIT, 4

        .text
        .globl _start
        .align 4
        .long 0x1badb002, 0, -0x1badb002
_start: mov 24(%ebx), %eax              /* modules */
        mov (%eax), %esi
        mov 4(%eax), %ebp               /* end of the first one */
        mov $RESULTS, %edi
next:   cmp %ebp, %esi
        jae done
        cmpb $WAIT, (%esi)
        je wait
        rdtsc
        mov %eax, (%edi)
        mov %edx, 4(%edi)
        movzwl 2(%esi), %edx
        mov 4(%esi), %eax
        cmpb $IN8, (%esi)
        jb out8
        je in8
        cmpb $IN32, (%esi)
        je in32
        out %ax, %dx
        jmp store
out8:   out %al, %dx
        jmp store
in8:    xor %eax, %eax
        in %dx, %al
        jmp store
in32:   in %dx, %eax
store:  mov %eax, 8(%edi)
        add $16, %edi
        add $8, %esi
        jmp next
wait:   mov 4(%esi), %ecx               /* instructions, two at a time */
        shr $1, %ecx
1:      dec %ecx
        jg 1b
        add $8, %esi
        jmp next
done:   mov $0xe9, %edx
        mov $RESULTS, %esi
        mov %edi, %ecx
        sub %esi, %ecx
        rep outsb
        mov $0xf4, %edx
        out %al, %dx
        hlt
