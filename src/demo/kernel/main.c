/* The kernel's start, in the order of its parts. */
#include "apic.h"
#include "boot-info.h"
#include "console.h"
#include "cpu.h"
#include "descriptors.h"
#include "layout.h"
#include "pages.h"
#include "paging.h"
#include "panic.h"
#include "process.h"
#include "text.h"

static void start_system_calls(void) {
  write_msr(IA32_EFER, read_msr(IA32_EFER) | 1);
  write_msr(IA32_STAR, (u64)(ABSENT_DATA | RING_3) << 48 | (u64)KERNEL_CODE << 32);
  write_msr(IA32_LSTAR, (u64)system_call_entry);
  write_msr(IA32_FMASK, 0x47700); // TF, IF, DF, IOPL, NT, AC
}

static void print_processor(void) {
  union { struct cpuid part[3]; char text[49]; } name = {0};
  if (cpuid(0x80000000).a >= 0x80000004)
    for (u32 i = 0; i < 3; i++) name.part[i] = cpuid(0x80000002 + i);
  print("processor  %s\n", name.text);
}

static void start(void) {
  char protections[80];
  start_console();
  print("The small operating system of minusone\n");
  print_processor();
  load_descriptors();
  start_pages();
  start_paging(protections, sizeof protections);
  print("paging     %s\n", protections);
  print("memory     %lu MiB\n", page_counts.total * PAGE >> 20);
  start_apic();
  start_system_calls();
  start_timer(TICKS_PER_SECOND);
  print("clocks     time stamps %lu MHz, APIC timer %lu kHz\n", (clock_rates.time_stamps + 500000) / 1000000, clock_rates.timer_counts / 1000);
  start_scheduler();
  listen_to_console();
  if (spawn("sh", boot_info.command, NULL) < 0) panic("no shell");
  for (;;) {
    schedule();
    wait_for_interrupt();
  }
}

__attribute__((noreturn)) void start_multiboot(u64 from) {
  read_multiboot(from);
  start();
  __builtin_unreachable();
}

__attribute__((noreturn)) void start_pvh(u64 from) {
  read_pvh(from);
  start();
  __builtin_unreachable();
}
