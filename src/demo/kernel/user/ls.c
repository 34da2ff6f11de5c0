#include "system.h"

int main(const char *arguments) {
  (void)arguments;
  char name[NAME_SIZE];
  i64 length;
  for (u64 i = 0; (length = system_call(FILE_NAME, i, (u64)name, 0)) >= 0; i++) print("%6ld  %s\n", length, name);
  return 0;
}
