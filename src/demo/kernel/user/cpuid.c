/* What the processor says about itself. */
#include "system.h"

static const struct feature { u32 leaf; u8 word, bit; const char *name; } features[] = {
  {1, 3, 0, "x87"}, {1, 3, 23, "mmx"}, {1, 3, 25, "sse"}, {1, 3, 26, "sse2"}, {1, 2, 0, "sse3"}, {1, 2, 9, "ssse3"},
  {1, 2, 19, "sse4.1"}, {1, 2, 20, "sse4.2"}, {1, 2, 23, "popcnt"}, {1, 2, 22, "movbe"}, {1, 2, 1, "pclmulqdq"}, {1, 2, 25, "aes"},
  {7, 1, 29, "sha"}, {7, 1, 3, "bmi1"}, {7, 1, 8, "bmi2"}, {7, 1, 19, "adx"}, {1, 2, 30, "rdrand"}, {7, 1, 18, "rdseed"}, {1, 2, 28, "avx"},
  {1, 2, 5, "vmx"}, {1, 2, 31, "hypervisor"},
};

/* r: EAX, EBX, ECX, EDX */
static void cpuid(u32 leaf, u32 r[4]) {
  __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

int main(const char *arguments) {
  (void)arguments;
  u32 r[4], vendor[4] = {0}, brand[13] = {0};
  cpuid(0x80000000, r);
  if (r[0] >= 0x80000004)
    for (u32 i = 0; i < 3; i++) cpuid(0x80000002 + i, brand + 4 * i);
  cpuid(0, r);
  u32 last = r[0];
  vendor[0] = r[1], vendor[1] = r[3], vendor[2] = r[2];
  print("processor  %s (%s)\n", (const char *)brand, (const char *)vendor);
  cpuid(1, r);
  u32 family = (r[0] >> 8 & 15) + (r[0] >> 20 & 255), model = (r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0);
  print("signature  family %u, model %u, stepping %u\nfeatures  ", family, model, r[0] & 15);
  for (u32 i = 0; i < COUNT(features); i++) {
    const struct feature *f = &features[i];
    if (f->leaf > last) continue;
    cpuid(f->leaf, r);
    if (r[f->word] >> f->bit & 1) print(" %s", f->name);
  }
  print("\n");
  return 0;
}
