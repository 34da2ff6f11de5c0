/*
 * Virtual memory, for C and assembly:
 *
 *   0x0000000000400000   a program: text, constants, data, heap
 *   0x00007fffffff0000   its stack, up to 0x00007ffffffff000
 *   0xffff800000000000   all physical memory, and the registers of devices
 *   0xffffffff80100000   the kernel
 */
#pragma once

#define USER_END 0x00007ffffffff000
#define USER_STACK_PAGES 8
#define DIRECT_MAP 0xffff800000000000
#define UPPER_HALF 0xffffffff80000000

/* Selectors in the order that SYSCALL and SYSRET ask for. */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define ABSENT_DATA 0x18
#define USER_DATA 0x20
#define USER_CODE 0x28
#define TASK 0x30
#define RING_3 3

/* Interrupt vectors above the processor's own 32. */
#define VECTORS 64
#define LEGACY_VECTOR 0x20
#define TIMER_VECTOR 0x30
#define CONSOLE_VECTOR 0x34
#define SPURIOUS_VECTOR 0x3f
#define SYSTEM_CALL 0x100
