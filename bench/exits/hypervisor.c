/*
 * A hypervisor on bare metal that does nothing but answer CPUID of its one guest, a million times or as the command line says ("count=N"), and
 * says on COM1 when it begins and ends: "S", "E count". SDM Vol. 3 "VMX Setup and System-Programming Information".
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum {
  FEATURE_CONTROL = 0x3a,
  VMX_BASIC = 0x480,
  TRUE_PIN = 0x48d,
  TRUE_PRIMARY = 0x48e,
  TRUE_EXIT = 0x48f,
  TRUE_ENTRY = 0x490,
  EFER = 0xc0000080,
};

static u8 vmxon_region[4096] __attribute__((aligned(4096)));
static u8 vmcs_region[4096] __attribute__((aligned(4096)));
static u8 host_stack[4096] __attribute__((aligned(16)));
static u8 guest_stack[4096] __attribute__((aligned(16)));
static u8 task[104] __attribute__((aligned(8)));
static u64 count = 1000000;

static void out(int port, u8 value) { __asm__ volatile("outb %0, %w1" : : "a"(value), "Nd"(port)); }
static u8 in(int port) {
  u8 value;
  __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
static u64 rdmsr(u32 msr) {
  u32 low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (u64)high << 32 | low;
}
static void wrmsr(u32 msr, u64 value) { __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))); }

static void print(const char *text) {
  for (; *text; text++) {
    while (!(in(0x3fd) & 0x20)) {}
    out(0x3f8, (u8)*text);
  }
}

static void print_number(u64 n) {
  char digits[24], *at = digits + 23;
  *at = 0;
  do *--at = (char)('0' + n % 10);
  while (n /= 10);
  print(at);
}

static void stop(void) {
  print("\n");
  for (;;) __asm__ volatile("cli; hlt");
}

static void fail(const char *what, u64 value) {
  print("failed: ");
  print(what);
  print(" ");
  print_number(value);
  stop();
}

static void vmwrite(u64 field, u64 value) {
  u8 failed;
  __asm__ volatile("vmwrite %2, %1; setna %0" : "=r"(failed) : "r"(field), "r"(value) : "cc", "memory");
  if (failed) fail("vmwrite", field);
}

static u64 vmread(u64 field) {
  u64 value = 0;
  __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
  return value;
}

/* the controls wanted, and those that must be; older processors have no TRUE capability MSRs */
static void control(u64 field, u32 true_msr, u64 wanted) {
  u64 allowed = rdmsr(rdmsr(VMX_BASIC) >> 55 & 1 ? true_msr : true_msr - 12);
  vmwrite(field, (wanted | (u32)allowed) & (allowed >> 32));
}

void finished(u64 reason) {
  if (reason != 18) fail("exit reason", reason);
  print("E ");
  print_number(count);
  stop();
}

extern char guest_entry[], host_entry[];
__asm__(".text\n"
        "guest_entry:\n"
        "1: xor %eax, %eax\n xor %ecx, %ecx\n cpuid\n dec %r14\n jnz 1b\n vmcall\n"
        "host_entry:\n"
        " push %rax\n push %rdx\n"
        " mov $0x4402, %edx\n vmread %rdx, %rax\n cmp $10, %eax\n jne 2f\n"
        " mov $0x681e, %edx\n vmread %rdx, %rax\n add $2, %rax\n vmwrite %rax, %rdx\n"
        " pop %rdx\n pop %rax\n cpuid\n vmresume\n"
        "2: mov %rax, %rdi\n call finished\n");

static void start_vmx(void) {
  u64 cr0, cr4, region;
  u8 failed;
  if (!(rdmsr(FEATURE_CONTROL) & 1)) wrmsr(FEATURE_CONTROL, 5);
  __asm__ volatile("mov %%cr0, %0; mov %%cr4, %1" : "=r"(cr0), "=r"(cr4));
  __asm__ volatile("mov %0, %%cr0; mov %1, %%cr4" : : "r"(cr0 | 0x20), "r"(cr4 | 0x2000));
  *(u32 *)vmxon_region = *(u32 *)vmcs_region = (u32)rdmsr(VMX_BASIC) & 0x7fffffff;
  region = (u64)vmxon_region;
  __asm__ volatile("vmxon %1; setna %0" : "=r"(failed) : "m"(region) : "cc", "memory");
  if (failed) fail("vmxon", 0);
  region = (u64)vmcs_region;
  __asm__ volatile("vmclear %1; vmptrld %1; setna %0" : "=r"(failed) : "m"(region) : "cc", "memory");
  if (failed) fail("vmptrld", 0);
}

static void set_up(void) {
  struct { unsigned short limit; u64 base; } __attribute__((packed)) gdt;
  u64 cr0, cr3, cr4;
  __asm__ volatile("sgdt %0" : "=m"(gdt));
  __asm__ volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2" : "=r"(cr0), "=r"(cr3), "=r"(cr4));
  control(0x4000, TRUE_PIN, 0);
  control(0x4002, TRUE_PRIMARY, 0);
  control(0x400c, TRUE_EXIT, 1 << 9 | 1 << 20 | 1 << 21);
  control(0x4012, TRUE_ENTRY, 1 << 9 | 1 << 15);
  vmwrite(0x2800, ~0ul);
  /* guest: ES CS SS DS FS GS, LDTR unusable, TR */
  for (u32 n = 0; n < 6; n++) {
    vmwrite(0x0800 + 2 * n, n == 1 ? 8 : 16);
    vmwrite(0x4800 + 2 * n, 0xffffffff);
    vmwrite(0x4814 + 2 * n, n == 1 ? 0xa09b : 0xc093);
    vmwrite(0x6806 + 2 * n, 0);
  }
  vmwrite(0x4820, 0x10000);
  vmwrite(0x080e, 24);
  vmwrite(0x480e, 103);
  vmwrite(0x4822, 0x8b);
  vmwrite(0x6814, (u64)task);
  vmwrite(0x6816, gdt.base);
  vmwrite(0x4810, gdt.limit);
  vmwrite(0x6800, cr0);
  vmwrite(0x6802, cr3);
  vmwrite(0x6804, cr4);
  vmwrite(0x2806, rdmsr(EFER));
  vmwrite(0x681a, 0x400);
  vmwrite(0x681c, (u64)(guest_stack + sizeof guest_stack));
  vmwrite(0x681e, (u64)guest_entry);
  vmwrite(0x6820, 2);
  /* host */
  for (u32 n = 0; n < 6; n++) vmwrite(0x0c00 + 2 * n, n == 1 ? 8 : 16);
  vmwrite(0x0c0c, 24);
  vmwrite(0x6c00, cr0);
  vmwrite(0x6c02, cr3);
  vmwrite(0x6c04, cr4);
  vmwrite(0x2c02, rdmsr(EFER));
  vmwrite(0x6c0a, (u64)task);
  vmwrite(0x6c0c, gdt.base);
  vmwrite(0x6c14, (u64)(host_stack + sizeof host_stack - 8));
  vmwrite(0x6c16, (u64)host_entry);
}

static u64 number_in(const char *text) {
  u64 n = 0;
  for (; *text && *text != '='; text++) {}
  for (text += *text == '='; *text >= '0' && *text <= '9'; text++) n = n * 10 + (u64)(*text - '0');
  return n;
}

void cstart(const u32 *information) {
  u32 a = 1, b, c = 0, d;
  out(0x3fb, 0x80), out(0x3f8, 1), out(0x3f9, 0), out(0x3fb, 3), out(0x3fa, 0xc7);
  if (information[0] & 4 && number_in((const char *)(u64)information[4])) count = number_in((const char *)(u64)information[4]);
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (!(c & 1 << 5)) fail("no VMX, CPUID.1 ECX", c);
  start_vmx();
  set_up();
  print("S\n");
  __asm__ volatile("mov %0, %%r14; vmlaunch" : : "m"(count) : "r14", "rax", "rbx", "rcx", "rdx", "cc", "memory");
  fail("vmlaunch, error", vmread(0x4400));
}
