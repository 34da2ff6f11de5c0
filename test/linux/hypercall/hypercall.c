/*
 * Calls the VMM underneath Linux from user space, by VMCALL with the numbers of src/vcpu/intel_x64/extensions/hypercall-echo.ts. Where nobody is
 * underneath, the instruction is an invalid opcode, which is a SIGILL here; it waits a second then and tries again. Without any library.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <ucontext.h>

#define ECHO 0xec40ul
#define MAGIC 0xb045eacdacd52e22ul
#define VALUE 0x123456789abcdef0ul
#define VMCALL_BYTES 3
#define SA_RESTORER 0x04000000ul
#define INIT 1

struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

extern void restorer(void);
static volatile int refused;

static long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

static void print(const char *text)
{
	long length = 0;
	while (text[length])
		length++;
	call(__NR_write, 1, (long)text, length, 0);
}

static void print_hex(uint64_t value)
{
	char text[19] = "0x";
	for (int i = 0; i < 16; i++)
		text[2 + i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
	print(text);
}

static void on_illegal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += VMCALL_BYTES;
	refused = 1;
}

static uint64_t hypercall(uint64_t value, uint64_t *result)
{
	uint64_t rax = ECHO, rdx = MAGIC, rcx = value;
	refused = 0;
	__asm__ volatile("vmcall" : "+a"(rax), "+d"(rdx), "+c"(rcx) : : "rbx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
	*result = rdx;
	return rcx;
}

__attribute__((noreturn, used)) void start(void)
{
	struct kernel_sigaction action = { on_illegal, SA_SIGINFO | SA_RESTORER, restorer, 0 };
	struct timespec second = { 1, 0 };
	uint64_t result, answer;
	call(__NR_rt_sigaction, SIGILL, (long)&action, 0, 8);
	for (;;) {
		answer = hypercall(VALUE, &result);
		if (!refused)
			break;
		print("== nobody underneath\n");
		call(__NR_nanosleep, (long)&second, 0, 0, 0);
	}
	print("== echo of ");
	print_hex(VALUE);
	print(": ");
	print_hex(answer);
	print(result ? ", failed\n" : ", succeeded\n");
	if (call(__NR_getpid, 0, 0, 0, 0) == INIT)
		call(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
	call(__NR_exit_group, result != 0, 0, 0, 0);
	__builtin_unreachable();
}
