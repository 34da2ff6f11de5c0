/* Keeps the processor busy for some milliseconds, 100 if it is not told. */
#include "system.h"

int main(const char *arguments) {
  u64 end = uptime() + number(arguments, 100);
  while (uptime() < end)
    for (volatile u32 i = 0; i < 10000; i++) {}
  return 0;
}
