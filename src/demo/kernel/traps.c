/* What happens at each interrupt vector. */
#include "traps.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "layout.h"
#include "panic.h"
#include "process.h"

/* The process loses its life, the kernel goes on. */
static void on_exception(const struct frame *f) {
  bool by_program = (f->cs & RING_3) && f->vector != DOUBLE_FAULT && f->vector != MACHINE_CHECK;
  if (!by_program) panic_at(f);
  print("%s ended by %s: error code 0x%lx", current->name, exception_name(f->vector), f->error);
  if (f->vector == PAGE_FAULT) print(", address 0x%lx", read_cr2());
  print("\n");
  exit_process(KILLED + (i64)f->vector);
}

/* NMIs come in the middle of anything, so that the console is theirs only at the next tick. */
static volatile u32 nmis;

static void report_nmis(void) {
  if (nmis) print("NMI\n");
  nmis = 0;
}

void on_interrupt(struct frame *f) {
  switch (f->vector) {
  case NMI:
    nmis++;
    break;
  case TIMER_VECTOR:
    on_tick();
    report_nmis();
    end_of_interrupt();
    if (f->cs & RING_3) schedule();
    break;
  case CONSOLE_VECTOR:
    on_console_interrupt();
    end_of_interrupt();
    break;
  case SPURIOUS_VECTOR:
  case LEGACY_VECTOR + 7:
  case LEGACY_VECTOR + 15:
    break;
  default:
    if (f->vector >= LEGACY_VECTOR) panic("interrupt %lu, which nothing should raise", f->vector);
    on_exception(f);
  }
}
