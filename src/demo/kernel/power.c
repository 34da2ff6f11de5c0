/*
 * Power-off as ACPI does it: sleep type and SLP_EN in the PM1a control register, which PCs of this kind have at port 0x604. Emulators
 * may have a port besides that ends them with a code.  ACPI 6.5 section 4.8.3.2.1 "PM1 Control Registers"
 */
#include "power.h"
#include "console.h"
#include "cpu.h"
#include "process.h"

enum { PM1A_CONTROL = 0x604, SLEEP_ENABLE = 1 << 13, DEBUG_EXIT = 0xf4 };

void switch_off(void) {
  print("Switching off after %lu ms.\n", uptime);
  drain_console();
  out16(PM1A_CONTROL, SLEEP_ENABLE);
  out8(DEBUG_EXIT, 0);
  for (;;) __asm__ volatile("cli; hlt");
}

void fail_machine(void) {
  drain_console();
  out8(DEBUG_EXIT, 1);
  switch_off();
}
