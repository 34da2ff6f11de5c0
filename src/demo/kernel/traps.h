/* Interrupts, exceptions and system calls, as entry.S hands them to C. */
#pragma once
#include "types.h"

/* exceptions that are spoken of by name */
enum { DEBUG = 1, NMI = 2, BREAKPOINT = 3, DOUBLE_FAULT = 8, PAGE_FAULT = 14, MACHINE_CHECK = 18 };

/* what entry.S pushes, lowest address first, and what the processor pushed before it */
struct frame {
  u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  u64 vector, error;
  u64 rip, cs, rflags, rsp, ss;
};

enum { ENTRY_BYTES = 16 };
extern const u8 interrupt_entries[];
extern void system_call_entry(void);
extern void to_user(void);
/* keeps the stack pointer of this thread of control in *from and goes on where `to` was kept */
extern void switch_stacks(u64 *from, u64 to);

void on_interrupt(struct frame *f);
