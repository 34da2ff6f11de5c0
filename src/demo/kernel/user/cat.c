#include "system.h"

int main(const char *arguments) {
  static char text[65536];
  i64 length = system_call(READ_FILE, (u64)arguments, (u64)text, sizeof text);
  if (length < 0) {
    print("cat: no file %s\n", arguments);
    return 1;
  }
  if (length > (i64)sizeof text) length = sizeof text;
  system_call(WRITE, (u64)text, (u64)length, 0);
  return 0;
}
