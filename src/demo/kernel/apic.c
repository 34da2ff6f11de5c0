/*
 * SDM 3A "Advanced Programmable Interrupt Controller (APIC)", Intel 82093AA (I/O APIC), 8259A and 8254 data sheets.
 * The 8254's counter 2 is the only clock whose frequency is known beforehand: the others are measured by it.
 */
#include "apic.h"
#include "cpu.h"
#include "layout.h"
#include "paging.h"
#include "panic.h"

/* local APIC registers, as indices of 32-bit words */
enum { ID = 0x20 / 4, TASK_PRIORITY = 0x80 / 4, EOI = 0xb0 / 4, SPURIOUS = 0xf0 / 4 };
enum { LVT_TIMER = 0x320 / 4, LVT_LINT0 = 0x350 / 4, LVT_LINT1 = 0x360 / 4 };
enum { INITIAL_COUNT = 0x380 / 4, CURRENT_COUNT = 0x390 / 4, DIVIDE = 0x3e0 / 4 };
enum { APIC_ENABLED = 1 << 8, MASKED = 1 << 16, PERIODIC = 1 << 17, DELIVER_NMI = 4 << 8, BY_16 = 3 };

#define IO_APIC 0xfec00000
enum { SELECT = 0, WINDOW = 0x10 / 4, VERSION = 1, FIRST_PIN = 0x10, CONSOLE_PIN = 4 };

enum { MASTER = 0x20, SLAVE = 0xa0 };
enum { COUNTER_2 = 0x42, COUNTER_CONTROL = 0x43, GATE = 0x61, COUNTER_HZ = 1193182 };

struct clock_rates clock_rates;
static volatile u32 *local, *io;

static void silence_legacy(void) {
  static const u8 words[][2] = {{0x11, 0x11}, {LEGACY_VECTOR, LEGACY_VECTOR + 8}, {1 << 2, 2}, {1, 1}, {0xff, 0xff}};
  for (u32 i = 0; i < COUNT(words); i++) {
    out8(MASTER + (i > 0), words[i][0]);
    out8(SLAVE + (i > 0), words[i][1]);
  }
}

static u32 read_io(u32 index) {
  io[SELECT] = index;
  return io[WINDOW];
}
static void write_io(u32 index, u32 value) {
  io[SELECT] = index;
  io[WINDOW] = value;
}
static void set_pin(u32 pin, u32 what) {
  write_io(FIRST_PIN + 2 * pin + 1, local[ID]);
  write_io(FIRST_PIN + 2 * pin, what);
}

void start_apic(void) {
  if (!(cpuid(1).d >> 9 & 1)) panic("this processor has no local APIC");
  silence_legacy();
  local = map_device(read_msr(IA32_APIC_BASE) & 0xffffff000);
  local[SPURIOUS] = APIC_ENABLED | SPURIOUS_VECTOR;
  local[TASK_PRIORITY] = 0;
  local[LVT_LINT0] = MASKED;
  local[LVT_LINT1] = DELIVER_NMI;
  io = map_device(IO_APIC);
  u32 pins = (read_io(VERSION) >> 16 & 0xff) + 1;
  for (u32 pin = 0; pin < pins; pin++) set_pin(pin, MASKED);
  set_pin(CONSOLE_PIN, CONSOLE_VECTOR);
}

void end_of_interrupt(void) { local[EOI] = 0; }

/* a hundredth of a second by counter 2, whose output (bit 5 of the gate's port) rises at the end */
static void wait_hundredth(void) {
  u32 count = COUNTER_HZ / 100;
  out8(GATE, (in8(GATE) & 0xfc) | 1);
  out8(COUNTER_CONTROL, 0xb0);
  out8(COUNTER_2, (u8)count);
  out8(COUNTER_2, (u8)(count >> 8));
  while (!(in8(GATE) & 1 << 5))
    for (u32 i = 0; i < 50; i++) __asm__ volatile("pause");
}

void start_timer(u32 per_second) {
  local[DIVIDE] = BY_16;
  local[LVT_TIMER] = MASKED;
  local[INITIAL_COUNT] = ~0u;
  u64 before = time_stamp();
  wait_hundredth();
  u32 counted = ~0u - local[CURRENT_COUNT];
  clock_rates = (struct clock_rates){(time_stamp() - before) * 100, counted * 100ul};
  local[LVT_TIMER] = PERIODIC | TIMER_VECTOR;
  local[INITIAL_COUNT] = (u32)(clock_rates.timer_counts / per_second);
}
