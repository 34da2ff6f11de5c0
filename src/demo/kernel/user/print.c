#include "system.h"

/* One system call, so that lines of several processes seldom mix. */
void print(const char *text, ...) {
  char line[512];
  va_list list;
  va_start(list, text);
  u32 length = format_list(line, sizeof line, text, list);
  va_end(list);
  system_call(WRITE, (u64)line, length, 0);
}
