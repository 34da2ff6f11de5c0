#include "pi.h"
#include "system.h"

int main(const char *arguments) {
  (void)arguments;
  u8 d[10];
  extended_pi(d);
  print("4 arctan 1 = %x.%x%02x%02x%02x%02x%02x%02x%02x%02x\n", d[8] >> 4, d[8] & 15, d[7], d[6], d[5], d[4], d[3], d[2], d[1], d[0]);
  return 0;
}
