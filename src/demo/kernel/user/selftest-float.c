/*
 * SSE and x87 state over process switches: three processes fill all registers, each with its own numbers and its own rounding, and look
 * for a while whether they are still there.
 */
#include "selftest.h"

struct float_state {
  u8 xmm[16][16], st[8][16];
  u32 mxcsr;
  u16 control, status;
} __attribute__((aligned(16)));

enum { CHILDREN = 3, MILLISECONDS = 60 };

#define EACH_XMM(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#define LOAD_XMM(n) "movdqa 16*" #n "(%0), %%xmm" #n "\n"
#define STORE_XMM(n) "movdqa %%xmm" #n ", 16*" #n "(%1)\n"
#define EACH_ST(x) x(7) x(6) x(5) x(4) x(3) x(2) x(1) x(0)
#define EACH_ST_BACK(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7)
#define LOAD_ST(n) "fldt 256+16*" #n "(%0)\n"
#define STORE_ST(n) "fstpt 256+16*" #n "(%1)\n"

/* loads everything from `a`, waits, stores everything to `b` */
static void keep(const struct float_state *a, struct float_state *b) {
  u64 turns = 100000;
  __asm__ volatile(
    "fninit\nldmxcsr 384(%0)\nfldcw 388(%0)\n" EACH_XMM(LOAD_XMM) EACH_ST(LOAD_ST)
    "1: dec %2\njnz 1b\n"
    EACH_XMM(STORE_XMM) EACH_ST_BACK(STORE_ST) "stmxcsr 384(%1)\nfnstcw 388(%1)\nfninit"
    : "+r"(a), "+r"(b), "+r"(turns)
    :
    : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

int keep_float_state(u64 seed) {
  static struct float_state a, b;
  static volatile u64 own;
  own = seed;
  for (u32 i = 0; i < sizeof a.xmm; i++) a.xmm[i / 16][i % 16] = (u8)(seed * 89 + i * 31);
  for (u32 i = 0; i < 8; i++) {
    for (u32 k = 0; k < 8; k++) a.st[i][k] = (u8)(seed * 57 + i * 13 + k);
    a.st[i][7] |= 0x80; // a normal number: integer bit, exponent of about 1
    a.st[i][8] = 0xff, a.st[i][9] = 0x3f;
  }
  a.mxcsr = (u32)(0x1f80 | (seed & 3) << 13);
  a.control = (u16)(0x37f | (seed & 3) << 10);
  u64 end = uptime() + MILLISECONDS;
  while (uptime() < end) {
    keep(&a, &b);
    const u8 *x = (const u8 *)&a, *y = (const u8 *)&b;
    for (u32 i = 0; i < sizeof a; i++)
      if (x[i] != y[i]) return 1;
    if (own != seed) return 2;
  }
  return 0;
}

bool check_float_state(char *figure) {
  i64 ids[CHILDREN];
  u32 kept = 0;
  u64 before = memory().process_switches;
  for (u32 i = 0; i < CHILDREN; i++) {
    char arguments[16];
    format(arguments, sizeof arguments, "float %u", i + 1);
    ids[i] = spawn("selftest", arguments, ATTACHED);
  }
  for (u32 i = 0; i < CHILDREN; i++) kept += wait(ids[i]) == 0;
  bool many = memory().process_switches - before >= 20;
  format(figure, FIGURE_SIZE, "%u of %u kept XMM, x87 and memory; switches %s", kept, CHILDREN, many ? "many" : "few");
  return kept == CHILDREN && many;
}
