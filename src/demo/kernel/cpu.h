/* Instructions that C has no words for. */
#pragma once
#include "types.h"

static inline void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 in8(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

enum {
  IA32_APIC_BASE = 0x1b,
  IA32_EFER = 0xc0000080,
  IA32_STAR = 0xc0000081,
  IA32_LSTAR = 0xc0000082,
  IA32_FMASK = 0xc0000084,
};
static inline u64 read_msr(u32 number) {
  u32 low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return (u64)high << 32 | low;
}
static inline void write_msr(u32 number, u64 value) {
  __asm__ volatile("wrmsr" : : "c"(number), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

struct cpuid { u32 a, b, c, d; };
static inline struct cpuid cpuid(u32 leaf) {
  struct cpuid r;
  __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(0));
  return r;
}
static inline u64 time_stamp(void) {
  u32 low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (u64)high << 32 | low;
}

#define CONTROL_REGISTER(n)                                                                               \
  static inline u64 read_cr##n(void) {                                                                    \
    u64 value;                                                                                            \
    __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value));                                                 \
    return value;                                                                                         \
  }                                                                                                       \
  static inline void write_cr##n(u64 value) { __asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory"); }
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)
#undef CONTROL_REGISTER

static inline void interrupts_off(void) { __asm__ volatile("cli" : : : "memory"); }
/* STI holds interrupts back for one instruction, so that none is taken between the two and slept through. */
static inline void wait_for_interrupt(void) { __asm__ volatile("sti; hlt; cli" : : : "memory"); }
