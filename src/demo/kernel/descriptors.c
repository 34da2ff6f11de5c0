/*
 * Descriptor tables. Flat segments as 64-bit mode wants them, one task-state segment for its stacks, 64 interrupt gates. Double faults,
 * NMIs and machine checks get stacks of their own: they come when the current one may be the problem.  SDM 3A "Segment Descriptor
 * Tables in IA-32e Mode", "64-Bit Mode IDT", "Interrupt Stack Table"
 */
#include "descriptors.h"
#include "layout.h"
#include "traps.h"

struct task_state {
  u32 reserved0;
  u64 stack[3], reserved1, interrupt_stack[7], reserved2;
  u16 reserved3, port_map;
} __attribute__((packed));

struct gate { u16 offset_low, selector; u8 stack, type; u16 offset_middle; u32 offset_high, reserved; };
struct table_register { u16 limit; u64 base; } __attribute__((packed));

enum { INTERRUPT_GATE = 0x8e, GATE_FOR_RING_3 = 0xee };
enum { STACK_BYTES = 4096 };

static u64 segments[8] = {
  [KERNEL_CODE / 8] = 0x00af9b000000ffff,
  [KERNEL_DATA / 8] = 0x00cf93000000ffff,
  [ABSENT_DATA / 8] = 0x00cf73000000ffff,
  [USER_DATA / 8] = 0x00cff3000000ffff,
  [USER_CODE / 8] = 0x00affb000000ffff,
};
static struct task_state task;
static struct gate gates[VECTORS];
static u8 interrupt_stacks[3][STACK_BYTES] __attribute__((aligned(16)));

/* for SYSCALL, which knows no task-state segment (entry.S) */
u64 kernel_stack;

void set_kernel_stack(u64 top) { task.stack[0] = kernel_stack = top; }

static void set_gate(u32 vector, u8 type, u8 stack) {
  u64 offset = (u64)interrupt_entries + vector * ENTRY_BYTES;
  gates[vector] = (struct gate){(u16)offset, KERNEL_CODE, stack, type, (u16)(offset >> 16), (u32)(offset >> 32), 0};
}

void load_descriptors(void) {
  u64 base = (u64)&task;
  segments[TASK / 8] = (sizeof task - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
  segments[TASK / 8 + 1] = base >> 32;
  task.port_map = sizeof task;
  for (u32 i = 0; i < COUNT(interrupt_stacks); i++) task.interrupt_stack[i] = (u64)(interrupt_stacks[i] + STACK_BYTES);
  for (u32 vector = 0; vector < VECTORS; vector++) set_gate(vector, INTERRUPT_GATE, 0);
  set_gate(BREAKPOINT, GATE_FOR_RING_3, 0);
  set_gate(DOUBLE_FAULT, INTERRUPT_GATE, 1);
  set_gate(NMI, INTERRUPT_GATE, 2);
  set_gate(MACHINE_CHECK, INTERRUPT_GATE, 3);

  struct table_register gdt = {sizeof segments - 1, (u64)segments}, idt = {sizeof gates - 1, (u64)gates};
  __asm__ volatile("lgdt %0; lidt %1" : : "m"(gdt), "m"(idt));
  __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:" : : "i"(KERNEL_CODE) : "rax", "memory");
  __asm__ volatile("mov %0, %%ss; ltr %w1" : : "r"(KERNEL_DATA), "r"(TASK));
}
