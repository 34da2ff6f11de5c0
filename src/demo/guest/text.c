/* Text output of the demonstration, a line at a time. */
#include "linux.h"

static char line[256];
static u32 length;

static void put(char c) {
  line[length++] = c;
  if (c != '\n' && length < sizeof line) return;
  system_call(SYS_write, STDOUT, (long)line, length, 0, 0, 0);
  length = 0;
}

void print(const char *text) {
  while (*text) put(*text++);
}

void print_hex(u64 value, int digits) {
  while (digits-- > 0) put("0123456789abcdef"[value >> digits * 4 & 15]);
}

void print_decimal(u64 value) {
  if (value >= 10) print_decimal(value / 10);
  put((char)('0' + value % 10));
}
