#include "panic.h"
#include "console.h"
#include "cpu.h"
#include "power.h"
#include "text.h"

static const char *const names[] = {
  "#DE divide error", "#DB debug exception", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound range exceeded",
  "#UD invalid opcode", "#NM device not available", "#DF double fault", "coprocessor segment overrun", "#TS invalid TSS",
  "#NP segment not present", "#SS stack fault", "#GP general protection", "#PF page fault", "reserved",
  "#MF x87 floating-point error", "#AC alignment check", "#MC machine check", "#XM SIMD floating-point exception",
  "#VE virtualization exception", "#CP control protection",
};

const char *exception_name(u64 vector) { return vector < COUNT(names) ? names[vector] : "unexpected interrupt"; }

void panic(const char *text, ...) {
  char line[256];
  va_list list;
  interrupts_off();
  va_start(list, text);
  format_list(line, sizeof line, text, list);
  va_end(list);
  print("\npanic: %s\n", line);
  fail_machine();
}

void panic_at(const struct frame *f) {
  const struct { const char *name; u64 value; } shown[] = {
    {"rax", f->rax}, {"rbx", f->rbx}, {"rcx", f->rcx}, {"rdx", f->rdx},
    {"rsi", f->rsi}, {"rdi", f->rdi}, {"rbp", f->rbp}, {"rsp", f->rsp},
    {"r8", f->r8}, {"r9", f->r9}, {"r10", f->r10}, {"r11", f->r11},
    {"r12", f->r12}, {"r13", f->r13}, {"r14", f->r14}, {"r15", f->r15},
    {"rip", f->rip}, {"rfl", f->rflags}, {"cs", f->cs}, {"ss", f->ss},
    {"cr0", read_cr0()}, {"cr2", read_cr2()}, {"cr3", read_cr3()}, {"cr4", read_cr4()},
  };
  print("\n");
  for (u32 i = 0; i < COUNT(shown); i++) print("%s%-3s %016lx", i % 4 ? "  " : i ? "\n" : "", shown[i].name, shown[i].value);
  panic("%s in the kernel: vector %lu, error code 0x%lx", exception_name(f->vector), f->vector, f->error);
}
