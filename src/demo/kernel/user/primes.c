/* Counts primes with a sieve: 78498 below a million. */
#include "system.h"

int main(const char *arguments) {
  u64 limit = number(arguments, 1000000);
  i64 grown = limit < 2 || limit > 50000000 ? NO_MEMORY : system_call(GROW, limit, 0, 0);
  if (grown < 0) {
    print("primes: a number from 2 to 50000000\n");
    return 1;
  }
  u8 *composite = (u8 *)grown;
  u64 count = 0;
  for (u64 i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count++;
    for (u64 j = i * i; j < limit; j += i) composite[j] = 1;
  }
  print("%lu primes below %lu\n", count, limit);
  return 0;
}
