/* What the demonstration needs of Linux and C: system calls by hand, text output, no library. */
#ifndef LINUX_H
#define LINUX_H
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum { SYS_write = 1, SYS_mmap = 9, SYS_rt_sigaction = 13, SYS_exit = 60 };
enum { STDOUT = 1, SIGSEGV = 11, PROT_RWX = 7, MAP_PRIVATE_ANONYMOUS = 0x22 };
enum { SA_SIGINFO = 4, SA_RESTORER = 0x04000000 };

static inline long system_call(long n, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

/* the part of a signal's context that a handler changes here: RIP among the general registers */
struct context { u64 flags, link, stack[3], registers[16], rip; };
struct signal_information { int number, error, code, pad; u64 address; };
struct signal_action { void (*handler)(int, struct signal_information *, struct context *); u64 flags; void (*restorer)(void); u64 mask; };

void print(const char *text);
void print_hex(u64 value, int digits);
void print_decimal(u64 value);
#endif
