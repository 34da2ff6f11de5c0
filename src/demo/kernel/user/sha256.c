/* The SHA-256 digest of a file, or of a million letters a, which FIPS 180 gives as cdc76e5c 9914fb92 … */
#include "digest.h"
#include "system.h"

int main(const char *arguments) {
  static u8 message[1000000];
  u32 d[8];
  i64 length = sizeof message;
  if (*arguments) length = system_call(READ_FILE, (u64)arguments, (u64)message, sizeof message);
  else __builtin_memset(message, 'a', sizeof message);
  if (length < 0) {
    print("sha256: no file %s\n", arguments);
    return 1;
  }
  sha256(message, (u64)length, d);
  for (u32 i = 0; i < COUNT(d); i++) print("%08x", d[i]);
  print("  %s\n", *arguments ? arguments : "1000000 letters a");
  return 0;
}
