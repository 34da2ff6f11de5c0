#include "system.h"

int main(const char *arguments) {
  (void)arguments;
  struct memory_record m = memory();
  print("memory     %lu of %lu KiB free\n", m.free * 4, m.pages * 4);
  return 0;
}
