#include "system.h"

int main(const char *arguments) {
  (void)arguments;
  u64 now = uptime();
  print("up         %lu.%03lu s, %lu process switches\n", now / 1000, now % 1000, memory().process_switches);
  return 0;
}
