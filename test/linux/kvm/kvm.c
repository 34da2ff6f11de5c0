/*
 * A 64-bit guest by /dev/kvm, without any library: prints what the guest writes to port 0x3f8, and how it ended. KVM's API is in the kernel's
 * Documentation/virt/kvm/api.rst.
 */
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define MEMORY 0x200000
#define CODE 0x1000
#define STACK 0x10000
#define PML4 0x20000
#define PDPT 0x21000
#define PD 0x22000
#define GDT 0x23000

extern const char guest_start[], guest_end[];

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memset(void *to, int value, size_t n)
{
	void *start = to;
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	return start;
}

static void print(const char *text)
{
	size_t n = 0;
	while (text[n] != 0)
		n++;
	call(__NR_write, 1, (long)text, (long)n, 0, 0, 0);
}

static void print_number(long n)
{
	char digits[24], *at = digits + sizeof digits - 1;
	unsigned long left = n < 0 ? -(unsigned long)n : (unsigned long)n;
	*at = 0;
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) != 0);
	if (n < 0)
		*--at = '-';
	print(at);
}

static _Noreturn void leave(int status)
{
	for (;;)
		call(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

/* The result, or the end of the program if it is an error. */
static long must(const char *what, long result)
{
	if (result >= 0)
		return result;
	print("kvm: ");
	print(what);
	print(" failed: ");
	print_number(result);
	print("\n");
	leave(1);
}

static long ioctl(const char *what, long file, unsigned long request, void *argument)
{
	return must(what, call(__NR_ioctl, file, (long)request, (long)argument, 0, 0, 0));
}

static void *map(const char *what, size_t bytes, int flags, long file)
{
	return (void *)must(what, call(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, flags, file, 0));
}

static void place_guest(char *memory)
{
	memcpy(memory + CODE, guest_start, (size_t)(guest_end - guest_start));
	*(uint64_t *)(memory + PML4) = PDPT | 3;
	*(uint64_t *)(memory + PDPT) = PD | 3;
	*(uint64_t *)(memory + PD) = 0x83;
	*(uint64_t *)(memory + GDT + 8) = 0x00209b0000000000;
	*(uint64_t *)(memory + GDT + 16) = 0x0000930000000000;
}

static struct kvm_segment segment(int selector, int type, int l)
{
	return (struct kvm_segment){ .limit = 0xffffffff, .selector = (uint16_t)selector, .type = (uint8_t)type, .present = 1, .s = 1,
				     .l = (uint8_t)l, .db = (uint8_t)!l, .g = 1 };
}

static void set_registers(long vcpu)
{
	struct kvm_sregs s;
	ioctl("KVM_GET_SREGS", vcpu, KVM_GET_SREGS, &s);
	s.cs = segment(8, 11, 1);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(16, 3, 0);
	s.gdt.base = GDT;
	s.gdt.limit = 23;
	s.cr3 = PML4;
	s.cr4 = 0x620; /* PAE, OSFXSR, OSXMMEXCPT */
	s.cr0 = 0x80050033;
	s.efer = 0x500;
	ioctl("KVM_SET_SREGS", vcpu, KVM_SET_SREGS, &s);
	struct kvm_regs r = { .rip = CODE, .rsp = STACK, .rflags = 2 };
	ioctl("KVM_SET_REGS", vcpu, KVM_SET_REGS, &r);
}

/* What the host's processor and KVM can do, the guest may. */
static void set_cpuid(long kvm, long vcpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid;
	cpuid.head.nent = 128;
	ioctl("KVM_GET_SUPPORTED_CPUID", kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
	ioctl("KVM_SET_CPUID2", vcpu, KVM_SET_CPUID2, &cpuid);
}

static void run(long vcpu, struct kvm_run *state)
{
	for (;;) {
		ioctl("KVM_RUN", vcpu, KVM_RUN, NULL);
		if (state->exit_reason == KVM_EXIT_HLT)
			return print("== kvm guest halted\n");
		if (state->exit_reason != KVM_EXIT_IO || state->io.direction != KVM_EXIT_IO_OUT || state->io.port != 0x3f8)
			must("the guest's run, by exit reason,", -(long)state->exit_reason);
		call(__NR_write, 1, (long)state + (long)state->io.data_offset, state->io.size * state->io.count, 0, 0, 0);
	}
}

_Noreturn void start(void)
{
	long kvm = must("opening /dev/kvm", call(__NR_open, (long)"/dev/kvm", O_RDWR, 0, 0, 0, 0));
	if (ioctl("KVM_GET_API_VERSION", kvm, KVM_GET_API_VERSION, NULL) != KVM_API_VERSION)
		must("KVM's API version", -1);
	long vm = ioctl("KVM_CREATE_VM", kvm, KVM_CREATE_VM, NULL);
	ioctl("KVM_SET_TSS_ADDR", vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000);
	char *memory = map("memory", MEMORY, MAP_SHARED | MAP_ANONYMOUS, -1);
	place_guest(memory);
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY, .userspace_addr = (uint64_t)memory };
	ioctl("KVM_SET_USER_MEMORY_REGION", vm, KVM_SET_USER_MEMORY_REGION, &region);
	long vcpu = ioctl("KVM_CREATE_VCPU", vm, KVM_CREATE_VCPU, NULL);
	long bytes = ioctl("KVM_GET_VCPU_MMAP_SIZE", kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	struct kvm_run *state = map("the vCPU's state", (size_t)bytes, MAP_SHARED, vcpu);
	set_cpuid(kvm, vcpu);
	set_registers(vcpu);
	run(vcpu, state);
	leave(0);
}
