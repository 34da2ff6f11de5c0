/*
 * The demonstration: a static Linux program that shows what the core runs. CPUID, integer code, sorting, x87, code that changes itself, a
 * handled page fault, SSE. No library, so that everything that runs stands in this folder.
 */
#include "linux.h"
#include "picture.h"
#include "sha256.h"

static const struct feature { u32 leaf; u8 word, bit; const char *name; } features[] = {
  {1, 3, 0, "x87"}, {1, 3, 23, "mmx"}, {1, 3, 25, "sse"}, {1, 3, 26, "sse2"}, {1, 2, 0, "sse3"}, {1, 2, 9, "ssse3"},
  {1, 2, 19, "sse4.1"}, {1, 2, 20, "sse4.2"}, {1, 2, 23, "popcnt"}, {1, 2, 22, "movbe"}, {1, 2, 1, "pclmulqdq"}, {1, 2, 25, "aes"},
  {7, 1, 29, "sha"}, {7, 1, 3, "bmi1"}, {7, 1, 8, "bmi2"}, {7, 1, 19, "adx"}, {1, 2, 30, "rdrand"}, {7, 1, 18, "rdseed"}, {1, 2, 28, "avx"},
};

/* r: EAX, EBX, ECX, EDX */
static void cpuid(u32 leaf, u32 r[4]) {
  __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

static void processor(void) {
  u32 r[4], brand[13] = {0};
  cpuid(0x80000000, r);
  if (r[0] >= 0x80000004)
    for (u32 i = 0; i < 3; i++) cpuid(0x80000002 + i, brand + 4 * i);
  print("processor   ");
  print((const char *)brand);
  print("\nfeatures   ");
  cpuid(0, r);
  u32 last = r[0];
  for (u32 i = 0; i < sizeof features / sizeof *features; i++) {
    const struct feature *f = &features[i];
    if (f->leaf > last) continue;
    cpuid(f->leaf, r);
    if (!(r[f->word] >> f->bit & 1)) continue;
    print(" ");
    print(f->name);
  }
  print("\n");
}

/* FIPS 180: the digest of one million letters a begins with cdc76e5c */
static void hashing(void) {
  static u8 message[1000000];
  u32 digest[8];
  for (u32 i = 0; i < sizeof message; i++) message[i] = 'a';
  sha256(message, sizeof message, digest);
  print("sha-256     1,000,000 letters a: ");
  for (int i = 0; i < 8; i++) print_hex(digest[i], 8);
  print("\n");
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

static void sorting(void) {
  enum { COUNT = 100000 };
  static u32 v[COUNT];
  u32 x = 2463534242, before = 0, after = 0, ordered = 1;
  for (u32 i = 0; i < COUNT; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    before += v[i] = x;
  }
  sort(v, 0, COUNT - 1);
  for (u32 i = 0; i < COUNT; i++) {
    after += v[i];
    if (i > 0 && v[i - 1] > v[i]) ordered = 0;
  }
  print("sorting     100,000 numbers: ");
  print(ordered && before == after ? "in order, none lost\n" : "wrong\n");
}

/* 4 arctan 1 in 80-bit arithmetic, as eighteen decimal digits made by FBSTP */
static void extended(void) {
  static const long scale = 100000000000000000;
  u8 digits[10];
  __asm__ volatile("fld1; fld1; fpatan; fadd %%st(0), %%st(0); fadd %%st(0), %%st(0); fildq %1; fmulp; fbstp %0" : "=m"(digits) : "m"(scale));
  print("x87         4 arctan 1 = ");
  print_hex(digits[8] >> 4, 1);
  print(".");
  print_hex(digits[8] & 15, 1);
  for (int i = 7; i >= 0; i--) print_hex(digits[i], 2);
  print("\n");
}

/* rewrites the constant of `mov eax, constant; ret` and calls it, a thousand times */
static void changing(void) {
  u8 *code = (u8 *)system_call(SYS_mmap, 0, 4096, PROT_RWX, MAP_PRIVATE_ANONYMOUS, -1, 0);
  u32 sum = 0;
  code[0] = 0xb8;
  code[5] = 0xc3;
  for (u32 i = 1; i <= 1000; i++) {
    *(volatile u32 *)(code + 1) = i;
    sum += ((u32(*)(void))code)();
  }
  print("own code    a function rewritten and called 1,000 times returned 1 to 1,000, in sum ");
  print_decimal(sum);
  print("\n");
}

extern const char give_up[];
u32 probe(const void *address);
void restore(void);
__asm__("probe: movl (%rdi), %eax\n ret\n"
        "give_up: mov $-1, %eax\n ret\n"
        "restore: mov $15, %eax\n syscall\n");

static u64 faulting;

static void on_fault(int number, struct signal_information *about, struct context *context) {
  (void)number;
  faulting = about->address;
  context->rip = (u64)give_up;
}

static void fault(void) {
  struct signal_action action = {on_fault, SA_SIGINFO | SA_RESTORER, restore, 0};
  system_call(SYS_rt_sigaction, SIGSEGV, (long)&action, 0, 8, 0, 0);
  u32 result = probe((void *)0xdead000);
  print("page fault  ");
  print(result == ~0u ? "caught at 0x" : "missed at 0x");
  print_hex(faulting, 8);
  print(", execution went on\n");
}

void start(void) {
  processor();
  sorting();
  hashing();
  extended();
  changing();
  fault();
  print("picture     a torus, by ray marching in SSE arithmetic\n");
  picture();
  system_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
