/* Calculations with known results, as an AMD EPYC (Zen 4) gave them on 22 November 2026. */
#include "pi.h"
#include "selftest.h"

static u32 random(u32 *x) { return *x ^= *x << 13, *x ^= *x >> 17, *x ^= *x << 5; }

/* CRC-32 (ITU-T V.42) of the generator's first 100,000 numbers; the mix keeps adders, shifters and the multiplier busy */
bool check_integers(char *figure) {
  u32 x = 2463534242, crc = ~0u;
  u64 mix = 0;
  for (u32 i = 0; i < 100000; i++) {
    u32 value = random(&x);
    mix = (mix << 7 | mix >> 57) * 0x9e3779b97f4a7c15 + value;
    for (u32 byte = 0; byte < 4; byte++) {
      crc ^= value >> 8 * byte & 255;
      for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  format(figure, FIGURE_SIZE, "crc %08x, mix %016lx", ~crc, mix);
  return ~crc == 0xbe3b0ca7 && mix == 0x43f93282ba3ca523;
}

/* (q * d + r) / d is q again, by the 128-bit instructions */
bool check_division(char *figure) {
  u32 x = 88172645;
  u64 sum = 0, wrong = 0;
  for (u32 i = 0; i < 20000; i++) {
    u64 d = (u64)random(&x) << 32 | random(&x) | 1, q = (u64)random(&x) << 32 | random(&x), r = random(&x) % d;
    u64 low, high, quotient, remainder;
    __asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(q), "r"(d) : "cc");
    __asm__("addq %2, %0; adcq $0, %1" : "+r"(low), "+r"(high) : "r"(r) : "cc");
    __asm__("divq %4" : "=a"(quotient), "=d"(remainder) : "a"(low), "d"(high), "r"(d) : "cc");
    wrong += quotient != q || remainder != r;
    sum += high ^ low;
  }
  format(figure, FIGURE_SIZE, "20000 times, %lu wrong, sum %016lx", wrong, sum);
  return wrong == 0 && sum == 0x77cc93e8af9c7104;
}

static u64 move_forwards(u8 *to, const u8 *from, u64 n) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return n;
}
static void move_backwards(u8 *to, const u8 *from, u64 n) {
  to += n - 1, from += n - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* overlapping moves in both directions over page boundaries, a search and a comparison */
bool check_strings(char *figure) {
  static u8 area[20000];
  for (u32 i = 0; i < sizeof area; i++) area[i] = (u8)(i * 7 + (i >> 8));
  move_backwards(area + 137, area, 15000);
  move_forwards(area, area + 4099, 15000);
  u8 *found = area, *a = area, *b = area + 6000;
  u64 left = sizeof area, same = 200;
  move_forwards(b, a, same);
  b[150] ^= 1;
  __asm__ volatile("repne scasb" : "+D"(found), "+c"(left) : "a"(area[9999]) : "memory", "cc");
  __asm__ volatile("repe cmpsb" : "+D"(a), "+S"(b), "+c"(same) : : "memory", "cc");
  u32 sum = 0;
  for (u32 i = 0; i < sizeof area; i++) sum = (sum << 1 | sum >> 31) + area[i];
  format(figure, FIGURE_SIZE, "sum %08x, found at %ld, differ at %ld", sum, found - area - 1, a - area - 1);
  return sum == 0x19dad39a && found - area - 1 == 313 && a - area - 1 == 150;
}

static void sort(u32 *v, long low, long high) {
  while (low < high) {
    u32 pivot = v[(low + high) / 2];
    long i = low, j = high;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i > j) break;
      u32 t = v[i];
      v[i++] = v[j];
      v[j--] = t;
    }
    sort(v, low, j);
    low = i;
  }
}

bool check_sorting(char *figure) {
  enum { NUMBERS = 20000 };
  static u32 v[NUMBERS];
  u32 x = 2463534242, before = 0, after = 0, disorder = 0;
  for (u32 i = 0; i < NUMBERS; i++) before += v[i] = random(&x);
  sort(v, 0, NUMBERS - 1);
  for (u32 i = 0; i < NUMBERS; i++) {
    after += v[i];
    if (i > 0 && v[i - 1] > v[i]) disorder++;
  }
  format(figure, FIGURE_SIZE, "20000 numbers, least %08x, greatest %08x", v[0], v[NUMBERS - 1]);
  return before == after && !disorder;
}

/* the sum of 1/k² comes to π²/6, to the last bit of double precision when it is added from the small end */
bool check_sse(char *figure) {
  union { double value; u64 bits; } sum = {0};
  for (u32 k = 100000; k; k--) sum.value += 1.0 / ((double)k * k);
  u64 millionths = (u64)(sum.value * 1e6);
  format(figure, FIGURE_SIZE, "1/1 + 1/4 + 1/9 + ... = %lu.%06lu, bits %016lx", millionths / 1000000, millionths % 1000000, sum.bits);
  return sum.bits == 0x3ffa519be5fbb2fd;
}

/* π of 64 significant bits, whose eighteen digits end in 324 where exact ones end in 3238… */
bool check_x87(char *figure) {
  u8 d[10];
  extended_pi(d);
  u32 n = format(figure, FIGURE_SIZE, "4 arctan 1 = %x.%x", d[8] >> 4, d[8] & 15);
  for (u32 i = 8; i-- > 0; n += 2) format(figure + n, FIGURE_SIZE - n, "%02x", d[i]);
  return d[8] == 0x31 && d[7] == 0x41 && d[1] == 0x93 && d[0] == 0x24;
}
