/* What the kernel promises. */
#include "selftest.h"

/* every register but RAX, RCX and R11 comes back from a system call */
bool check_registers(char *figure) {
  u64 wrong;
  __asm__ volatile(
    "mov $0x1111, %%ebx; mov $0x2222, %%ebp; mov $0x3333, %%r8d; mov $0x4444, %%r9d; mov $0x5555, %%r10d; mov $0x6666, %%r12d\n"
    "mov $0x7777, %%r13d; mov $0x8888, %%r14d; mov $0x9999, %%r15d; mov %1, %%eax; syscall\n"
    "sub $0x1111, %%rbx; sub $0x2222, %%rbp; sub $0x3333, %%r8; sub $0x4444, %%r9; sub $0x5555, %%r10; sub $0x6666, %%r12\n"
    "sub $0x7777, %%r13; sub $0x8888, %%r14; sub $0x9999, %%r15\n"
    "mov %%rbx, %0; or %%rbp, %0; or %%r8, %0; or %%r9, %0; or %%r10, %0; or %%r12, %0; or %%r13, %0; or %%r14, %0; or %%r15, %0"
    : "=&a"(wrong) : "i"(YIELD) : "rbx", "rbp", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
  i64 unknown = system_call((enum system_call)1000, 0, 0, 0);
  format(figure, FIGURE_SIZE, "registers kept, call 1000 gives %ld", unknown);
  return wrong == 0 && unknown == NO_SUCH_CALL;
}

/* the kernel reads and writes only what the process itself could */
bool check_pointers(char *figure) {
  static const char constant[8] = "constant";
  const struct { enum system_call call; u64 pointer, size; } bad[] = {
    {WRITE, 0, 1}, {WRITE, 0xffffffff80100000, 16}, {WRITE, 0xffff800000100000, 16}, {WRITE, 0x7ffffffff000, 1},
    {WRITE, ~0ul, 2}, {WRITE, 0x7fffffffeff0, 32}, {READ_FILE, 8, 8},
    {MEMORY, (u64)constant, 0}, {MEMORY, 0xffffffff80100000, 0}, {MEMORY, 0x123456789abcdef0, 0},
  };
  u32 refused = 0;
  for (u32 i = 0; i < COUNT(bad); i++) refused += system_call(bad[i].call, bad[i].pointer, bad[i].size, 0) == BAD_ADDRESS;
  format(figure, FIGURE_SIZE, "%u of %lu refused", refused, COUNT(bad));
  return refused == COUNT(bad);
}

bool check_heap(char *figure) {
  enum { BYTES = 4 << 20, WORDS = BYTES / 8 };
  u64 *heap = (u64 *)system_call(GROW, BYTES, 0, 0), zeros = 0, right = 0;
  if ((i64)heap < 0) return false;
  for (u64 i = 0; i < WORDS; i++) zeros += heap[i] == 0;
  for (u64 i = 0; i < WORDS; i++) heap[i] = i * i;
  for (u64 i = 0; i < WORDS; i++) right += heap[i] == i * i;
  format(figure, FIGURE_SIZE, "%lu words were zero, %lu hold what was put there", zeros, right);
  return zeros == WORDS && right == WORDS && system_call(GROW, 1ul << 40, 0, 0) == NO_MEMORY;
}

static u64 time_stamp(void) {
  u32 low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (u64)high << 32 | low;
}

/* Two naps of 40 ms last at least that, and time stamps see them as about equally long. */
static bool naps_are_even(bool *long_enough) {
  u64 ticks[3], stamps[3];
  for (u32 i = 0; i < 3; i++) {
    if (i) sleep(40);
    ticks[i] = uptime();
    stamps[i] = time_stamp();
  }
  u64 a = stamps[1] - stamps[0], b = stamps[2] - stamps[1];
  *long_enough = ticks[1] - ticks[0] >= 40 && ticks[2] - ticks[1] >= 40;
  return a < 4 * b && b < 4 * a;
}

/* Emulators on a busy host stretch a nap now and then: more than one try. */
bool check_clock(char *figure) {
  bool long_enough = true, even = false;
  for (u32 i = 0; i < 5 && long_enough && !even; i++) even = naps_are_even(&long_enough);
  const char *lasted = long_enough ? "that long" : "another time";
  format(figure, FIGURE_SIZE, "naps of 40 ms last %s, time stamps %s", lasted, even ? "agree" : "disagree");
  return long_enough && even;
}

/* As many children as fit; each ends with its own status and gives its memory back. */
bool check_processes(char *figure) {
  enum { MOST = 16 };
  i64 ids[MOST];
  u64 free = memory().free;
  u32 count = 0, right = 0;
  while (count < MOST) {
    char arguments[32];
    format(arguments, sizeof arguments, "end %u", 100 + count);
    ids[count] = spawn("selftest", arguments, ATTACHED);
    if (ids[count] < 0) break;
    count++;
  }
  for (u32 i = 0; i < count; i++) right += wait(ids[i]) == 100 + i;
  bool same = memory().free == free;
  bool many = count > 4 && right == count;
  format(figure, FIGURE_SIZE, "%s, each with its own status, memory %s", many ? "many" : "too few", same ? "back" : "lost");
  return many && same && wait(ids[0]) == NOT_FOUND;
}

/* a child that an exception ends takes nothing with it */
bool check_fault(char *figure) {
  u64 free = memory().free;
  i64 status = run("fault", "pf");
  format(figure, FIGURE_SIZE, "child ended by vector %ld", status - KILLED);
  return status == KILLED + 14 && memory().free == free;
}
