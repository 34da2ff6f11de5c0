/* A 16550 at port 0x3f8. Output waits for room in the transmitter's FIFO, input is collected by interrupts.  PC16550D data sheet */
#include "console.h"
#include "cpu.h"
#include "process.h"
#include "text.h"

enum { COM1 = 0x3f8, FIFO = 16 };
enum { DATA = COM1, INTERRUPTS = COM1 + 1, FIFO_CONTROL = COM1 + 2, LINE_CONTROL = COM1 + 3, MODEM_CONTROL = COM1 + 4 };
enum { LINE_STATUS = COM1 + 5 };
enum { RECEIVED = 1 << 0, ROOM = 1 << 5 };

static char typed[256];
static u8 typed_from, typed_to;

void start_console(void) {
  out8(INTERRUPTS, 0);
  out8(LINE_CONTROL, 0x80); // the divisor: 1, for 115200 baud
  out8(DATA, 1);
  out8(INTERRUPTS, 0);
  out8(LINE_CONTROL, 3); // 8 bits, no parity
  out8(FIFO_CONTROL, 7);
  out8(MODEM_CONTROL, 0xb); // OUT2 lets interrupts through
}

void listen_to_console(void) { out8(INTERRUPTS, 1); }

static void wait_for_room(void) {
  // where there is no port, every bit reads as set
  while (!(in8(LINE_STATUS) & ROOM)) {}
}

void write_console(const char *text, u64 length) {
  u32 room = 0;
  for (u64 i = 0; i < length; i++) {
    for (const char *c = text[i] == '\n' ? "\r\n" : (char[]){text[i], 0}; *c; c++) {
      if (!room) wait_for_room(), room = FIFO;
      out8(DATA, (u8)*c), room--;
    }
  }
}

void print(const char *text, ...) {
  char line[256];
  va_list list;
  va_start(list, text);
  write_console(line, format_list(line, sizeof line, text, list));
  va_end(list);
}

void on_console_interrupt(void) {
  while (in8(LINE_STATUS) & RECEIVED) {
    u8 c = in8(DATA);
    if ((u8)(typed_to + 1) != typed_from) typed[typed_to++] = (char)c;
  }
  wake_readers();
}

u64 read_console(char *to, u64 size) {
  u64 n = 0;
  while (n < size && typed_from != typed_to) to[n++] = typed[typed_from++];
  return n;
}
