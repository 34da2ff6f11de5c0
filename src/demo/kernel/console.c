/*
 * A 16550 at port 0x3f8. Text waits in a ring until the transmitter's FIFO is empty, keys until somebody reads them; the port says by
 * interrupt that it has come to either.  PC16550D data sheet
 */
#include "console.h"
#include "cpu.h"
#include "process.h"
#include "text.h"

enum { COM1 = 0x3f8, DATA = COM1, INTERRUPTS = COM1 + 1, CAUSE = COM1 + 2, FIFO_CONTROL = COM1 + 2, LINE_CONTROL = COM1 + 3 };
enum { MODEM_CONTROL = COM1 + 4, LINE_STATUS = COM1 + 5 };
enum { RECEIVED = 1 << 0, EMPTY = 1 << 5, NO_CAUSE = 1 << 0 };
enum { FIFO = 16, RING = 256 };

/* one place stays free, so that full and empty differ */
struct ring { char text[RING]; u8 from, to; };
static struct ring typed, written;
static bool by_interrupt;

static bool is_empty(const struct ring *r) { return r->from == r->to; }
static u32 room(const struct ring *r) { return (u8)(r->from - r->to - 1); }
static void put(struct ring *r, char c) { r->text[r->to++] = c; }

void start_console(void) {
  out8(INTERRUPTS, 0);
  out8(LINE_CONTROL, 0x80); // the divisor: 1, for 115200 baud
  out8(DATA, 1);
  out8(INTERRUPTS, 0);
  out8(LINE_CONTROL, 3); // 8 bits, no parity
  out8(FIFO_CONTROL, 7);
  out8(MODEM_CONTROL, 0xb); // OUT2 lets interrupts through
}

void listen_to_console(void) {
  by_interrupt = true;
  out8(INTERRUPTS, 3);
}

static void transmit(void) {
  if (!(in8(LINE_STATUS) & EMPTY)) return;
  for (u32 n = 0; n < FIFO && !is_empty(&written); n++) out8(DATA, (u8)written.text[written.from++]);
}

static void receive(void) {
  while (in8(LINE_STATUS) & RECEIVED) {
    char c = (char)in8(DATA);
    if (room(&typed)) put(&typed, c);
  }
}

/* The line to the interrupt controller falls only when no cause is left, and only its rise is noticed. */
void on_console_interrupt(void) {
  while (!(in8(CAUSE) & NO_CAUSE)) {
    receive();
    transmit();
  }
  wake(READING);
  if (room(&written) > RING / 2) wake(WRITING);
}

void drain_console(void) {
  while (!is_empty(&written)) transmit();
}

u64 write_console(const char *text, u64 length) {
  u64 n = 0;
  for (; n < length && room(&written) > 1; n++) {
    if (text[n] == '\n') put(&written, '\r');
    put(&written, text[n]);
  }
  transmit();
  return n;
}

void print(const char *text, ...) {
  char line[256];
  va_list list;
  va_start(list, text);
  u64 length = format_list(line, sizeof line, text, list);
  va_end(list);
  for (u64 n = 0; n < length;) n += write_console(line + n, length - n);
  if (!by_interrupt) drain_console();
}

u64 read_console(char *to, u64 size) {
  u64 n = 0;
  while (n < size && !is_empty(&typed)) to[n++] = typed.text[typed.from++];
  return n;
}
