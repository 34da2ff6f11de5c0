/*
 * A tour of IA-32e mode, as modes32.c is of the older modes: fragments run in 64-bit and compatibility mode of rings 0 and 3, and every one
 * ends with an exception or interrupt whose frame is printed on COM1.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define CODE 0x20000ull /* fragments are copied to here, and stacks lie above */
#define TARGET (CODE + 0x800) /* int 7f: where gates lead */
#define USER_SP (CODE + 0x9008)
#define INNER_SP (CODE + 0xc000)
#define IST1 (CODE + 0xb00c)
#define DATA (CODE + 0x1000)
#define BAD 0x0000800000000000ull

/* selectors; descriptors of 16 bytes take two */
enum {
  K64 = 0x08, KDATA = 0x10, U32 = 0x1b, UDATA = 0x23, U64 = 0x2b, K32 = 0x30, CONFORMING = 0x38, K16 = 0x40, TSS = 0x50, GATE = 0x63, GATE_DPL0 = 0x70,
  GATE_COMPAT = 0x83, GATE_BAD = 0x93, GATE_CONFORMING = 0xa3, BOTH = 0xb0, GATE_UPPER = 0xc3, LDT = 0xd0, U16 = 0xe3, END = 0xe8,
};

static u64 gdt[END / 8];
static u64 idt[512];
static u32 tss[27];
extern u8 stubs[];
void enter(u64 *frame);

static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" ::"a"(v), "d"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("outl %0, %1" ::"a"(v), "d"(port)); }
static inline u8 inb(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port)); return v; }
static void put(char c)
{
  while ((inb(0x3fd) & 0x20) == 0) {}
  outb(0x3f8, c);
}
static void text(const char *s) { while (*s) put(*s++); }
static void hex(u64 v, int digits) { while (digits--) put("0123456789abcdef"[(v >> (digits * 4)) & 15]); }
static void field(const char *name, u64 v, int digits) { put(' '); text(name); put('='); hex(v, digits); }
static void wrmsr(u32 n, u64 v) { __asm__ volatile("wrmsr" ::"c"(n), "a"((u32)v), "d"((u32)(v >> 32))); }

static u64 segment(u32 base, u32 limit, u32 rights)
{
  return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(rights & 0xff) << 40 | (u64)((limit >> 16) & 15) << 48 |
    (u64)(rights >> 12 & 15) << 52 | (u64)(base >> 24) << 56;
}
static void gate(u64 *at, u32 selector, u64 offset, u32 rights, u32 ist)
{
  at[0] = (offset & 0xffff) | (u64)selector << 16 | (u64)ist << 32 | (u64)rights << 40 | (u64)(offset >> 16 & 0xffff) << 48;
  at[1] = offset >> 32;
}
static void vector(int n, u32 selector, u64 offset, u32 rights, u32 ist) { gate(idt + 2 * n, selector, offset, rights, ist); }

void report(u64 *s)
{
  /* ds r11 rax rbx rcx rdx vector error rip cs rflags rsp ss */
  u64 *f = s + 8, dr6;
  __asm__ volatile("mov %0, %%dr7" ::"r"(0ull));
  text(" ->"); field("v", s[6], 2);
  if (s[7] != ~0ull) field("err", s[7], 4);
  field("rip", f[0], 16); field("cs", f[1], 4); field("fl", f[2], 6); field("sp", f[3], 16); field("ss", f[4], 4);
  field("a", s[2], 16); field("b", s[3], 16); field("c", s[4], 16); field("d", s[5], 8); field("r11", s[1], 8); field("ds", s[0] & 0xffff, 4);
  field("at", (u64)f, 5);
  if (s[6] == 1) { __asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0ull)); field("dr6", dr6 & 0xe00f, 4); }
  if (s[6] == 0x7f || s[6] == 3) {
    text(" [");
    for (int i = 0; i < 4; i++) { if (i) put(' '); hex(*(u64 *)(f[3] + 8 * i), 16); }
    put(']');
  }
  put('\n');
}

enum mode { RING0, RING3, COMPAT0, COMPAT3, COMPAT3_16 };
static struct { u64 flags, rax, efer, sp; } m;

static void load_tr(void)
{
  gdt[TSS / 8] &= ~(2ull << 40);
  __asm__ volatile("ltr %w0" ::"r"(TSS));
}

static void reset(void)
{
  for (u32 *p = (u32 *)CODE; p < (u32 *)(CODE + 0x10040); p++) *p = 0;
  u8 *t = (u8 *)TARGET;
  t[0] = 0xcd; t[1] = 0x7f;
  for (int i = 0; i < 256; i++) vector(i, K64, (u64)stubs + 16 * i, i == 3 || i == 4 || i >= 0x20 ? 0xee : 0x8e, 0);
  vector(8, K64, (u64)stubs + 16 * 8, 0x8e, 3);
  vector(0x21, K64, TARGET, 0x8e, 0);
  vector(0x22, K64, (u64)stubs + 16 * 0x22, 0xef, 0);
  vector(0x23, K64, TARGET, 0x6e, 0);
  vector(0x24, K64, TARGET, 0xee, 1);
  vector(0x25, CONFORMING, TARGET, 0xee, 0);
  vector(0x26, K32, TARGET, 0xee, 0);
  vector(0x27, 0, TARGET, 0xee, 0);
  vector(0x28, K64, BAD, 0xee, 0);
  vector(0x2a, K64, TARGET, 0xec, 0);
  vector(0x2b, K64, TARGET, 0xe6, 0);
  vector(0x2c, KDATA, TARGET, 0xee, 0);
  vector(0x2d, U64, TARGET, 0xee, 0);
  vector(0x2e, END + 0x100, TARGET, 0xee, 0);
  for (int i = 0; i < 27; i++) tss[i] = 0;
  *(u64 *)(tss + 1) = INNER_SP;
  *(u64 *)(tss + 9) = IST1;
  *(u64 *)(tss + 13) = CODE + 0xa000;
  load_tr();
  wrmsr(0xc0000080, 0x501); wrmsr(0xc0000081, (u64)0x13 << 48 | (u64)K64 << 32); wrmsr(0xc0000082, TARGET); wrmsr(0xc0000084, 0x300);
  wrmsr(0x174, K64); wrmsr(0x175, INNER_SP - 0x100); wrmsr(0x176, TARGET);
  wrmsr(0xc0000101, 0x1111); wrmsr(0xc0000102, 0x2222);
  m.flags = 0; m.rax = 0xaaaaaaaaaaaaaaaa; m.sp = USER_SP;
}

static void run(const char *name, u8 *from, u8 *end, enum mode mode)
{
  u64 *f = (u64 *)(CODE + 0xd000);
  static const u16 code[] = { K64, U64, K32, U32, U16 }, stack[] = { KDATA, UDATA, KDATA, UDATA, UDATA };
  text(name);
  for (u32 i = 0; from + i < end; i++) ((u8 *)CODE)[i] = from[i];
  u64 frame[] = { stack[mode], m.rax, DATA, 0xcccccccccccccccc, 0xdddddddddddddddd, 0x5151515151515151, 0xd1d1d1d1d1d1d1d1, 0xb1b1b1b1b1b1b1b1, 0x1111,
    CODE, code[mode], 2 | m.flags, m.sp, stack[mode] };
  for (u32 i = 0; i < sizeof frame / 8; i++) f[i] = frame[i];
  enter(f);
}

/* registers and frame are as `run` makes them; ends with an exception, or with the int 7f at TARGET */
#define F(bits, mode, what, setup, code) do { \
  static u8 *from, *end; \
  __asm__ volatile("movq $7f, %0; movq $8f, %1\n.pushsection .rodata\n.code" #bits "\n7: " code "\n8:\n.code64\n.popsection" : "=m"(from), "=m"(end)); \
  reset(); setup; run(#mode " " what, from, end, mode); } while (0)
#define SET(offset, v) (*(volatile u64 *)(DATA + (offset)) = (v))

static void interrupts(void)
{
  F(64, RING3, "int 20", m.flags = 0x200, "int $0x20");
  F(64, RING3, "int 22, trap gate", m.flags = 0x200, "int $0x22");
  F(64, RING3, "int 21, gate of ring 0", , "int $0x21");
  F(64, RING3, "int 23, absent gate", , "int $0x23");
  F(64, RING3, "int 24, IST", , "int $0x24");
  F(64, RING3, "int 25, conforming", , "int $0x25");
  F(64, RING3, "int 26, to compatibility mode", , "int $0x26");
  F(64, RING3, "int 27, null selector", , "int $0x27");
  F(64, RING3, "int 28, not canonical", , "int $0x28");
  F(64, RING3, "int 2a, a call gate", , "int $0x2a");
  F(64, RING3, "int 2b, a 16-bit gate", , "int $0x2b");
  F(64, RING3, "int 2c, data", , "int $0x2c");
  F(64, RING3, "int 2d, to ring 3", , "int $0x2d");
  F(64, RING3, "int 2e, behind the GDT", , "int $0x2e");
  F(64, RING0, "int 20, stack not aligned", m.sp = INNER_SP - 4, "int $0x20");
  F(64, RING0, "int 24, IST", , "int $0x24");
  F(64, RING0, "int 2d, to ring 3", , "int $0x2d");
  F(64, RING0, "#UD", , "ud2");
  F(32, COMPAT3, "int 20", , "int $0x20");
  F(32, COMPAT3, "int 24, IST", , "int $0x24");
  F(16, COMPAT3_16, "int 20", , "int $0x20");
  F(32, COMPAT0, "int 20", m.sp = INNER_SP - 4, "int $0x20");
  F(32, COMPAT0, "int 25, conforming", m.sp = INNER_SP - 4, "int $0x25");
  F(64, RING3, "RSP0 not canonical", *(u64 *)(tss + 1) = BAD, "int $0x20");
  F(64, RING3, "absent gate for #GP", vector(13, K64, TARGET, 0x0e, 0), "hlt");
  F(64, RING3, "single step", m.flags = 0x100, "nop; nop");
  F(64, RING3, "icebp", , ".byte 0xf1");
  F(64, RING3, "into", , ".byte 0xce");
  F(64, RING0, "stack not canonical", m.sp = BAD, "push %%rax");
}

static void transfers(void)
{
  F(64, RING0, "iretq to ring 3", , "pushq $0x23; pushq $0x29000; pushq $0x3202; pushq $0x2b; pushq $0x20800; iretq");
  F(64, RING0, "iretq to compatibility mode", , "pushq $0x23; pushq $0x29000; pushq $0x202; pushq $0x1b; pushq $0x20800; iretq");
  F(64, RING0, "iretq to a null SS", , "pushq $0; pushq $0x2c000; pushq $2; pushq $8; pushq $0x20800; iretq");
  F(64, RING0, "iretq to a null SS in compatibility mode", , "pushq $0; pushq $0x2c000; pushq $2; pushq $0x30; pushq $0x20800; iretq");
  F(64, RING0, "iretq to a null SS of ring 3", , "pushq $3; pushq $0x29000; pushq $2; pushq $0x2b; pushq $0x20800; iretq");
  F(64, RING0, "iretq not canonical", , "mov $1, %%eax; shl $47, %%rax; pushq $0x23; pushq $0x29000; pushq $2; pushq $0x2b; push %%rax; iretq");
  F(64, RING0, "iretq to L and D", , "pushq $0x10; pushq $0x2c000; pushq $2; pushq $0xb0; pushq $0x20800; iretq");
  F(64, RING0, "iretq with NT", m.flags = 0x4000, "iretq");
  F(64, RING0, "iretq with VM", , "pushq $0x10; pushq $0x2c000; pushq $0x20002; pushq $8; pushq $0x20800; iretq");
  F(64, RING3, "iretq to itself", , "pushq $0x23; pushq $0x29000; pushq $0x3c3202; pushq $0x2b; pushq $0x20800; iretq");
  F(64, RING3, "iretq to ring 0", , "pushq $0x10; pushq $0x29000; pushq $2; pushq $8; pushq $0x20800; iretq");
  F(32, COMPAT3, "iret to 64-bit mode", , "pushl $2; pushl $0x2b; pushl $0x20800; iret");
  F(32, COMPAT0, "iret to ring 3", m.sp = INNER_SP, "pushl $0x23; pushl $0x29000; pushl $2; pushl $0x2b; pushl $0x20800; iret");
  F(64, RING0, "lretq to compatibility mode", , "pushq $0x23; pushq $0x29000; pushq $0x1b; pushq $0x20800; lretq");
  F(64, RING0, "lretq to the same level", , "pushq $8; pushq $0x20800; lretq $16");
  F(64, RING0, "lretl", , "sub $8, %%rsp; movl $0x20800, (%%rsp); movl $8, 4(%%rsp); lretl");
  F(64, RING0, "lretq not canonical", , "mov $1, %%eax; shl $47, %%rax; pushq $8; push %%rax; lretq");
  F(64, RING3, "lretq to a null SS", , "pushq $3; pushq $0x29000; pushq $0x2b; pushq $0x20800; lretq");
  F(64, RING3, "call through a gate", SET(0, (u64)GATE << 32), "lcall *(%%rbx)");
  F(64, RING3, "jump through a gate", SET(0, (u64)GATE << 32), "ljmp *(%%rbx)");
  F(64, RING0, "jump through a gate", SET(0, (u64)GATE << 32), "ljmp *(%%rbx)");
  F(64, RING0, "call through a gate", SET(0, (u64)GATE << 32), "lcall *(%%rbx)");
  F(64, RING3, "call through a gate of ring 0", SET(0, (u64)(GATE_DPL0 | 3) << 32), "lcall *(%%rbx)");
  F(64, RING3, "call through a gate to compatibility mode", SET(0, (u64)GATE_COMPAT << 32), "lcall *(%%rbx)");
  F(64, RING3, "call through a gate that is not canonical", SET(0, (u64)GATE_BAD << 32), "lcall *(%%rbx)");
  F(64, RING3, "call through a gate to conforming code", SET(0, (u64)GATE_CONFORMING << 32), "lcall *(%%rbx)");
  F(64, RING3, "call through a gate with a type in its upper half", SET(0, (u64)GATE_UPPER << 32), "lcall *(%%rbx)");
  F(64, RING3, "call to a TSS", SET(0, (u64)TSS << 32), "lcall *(%%rbx)");
  F(64, RING3, "call to compatibility mode", SET(0, (u64)U32 << 32 | TARGET), "lcall *(%%rbx)");
  F(64, RING3, "jump to compatibility mode", SET(0, (u64)U32 << 32 | TARGET), "ljmp *(%%rbx)");
  F(64, RING3, "64-bit pointer", SET(0, TARGET); SET(8, U64), "rex.w lcall *(%%rbx)");
  F(64, RING3, "pointer at an address that is not canonical", , "shl $40, %%rbx; ljmp *(%%rbx)");
  F(32, COMPAT3, "call to 64-bit mode", , "lcall $0x2b, $0x20800");
  F(32, COMPAT3, "call through a gate", , "lcall $0x63, $0");
  F(32, COMPAT3, "call through a gate to conforming code", , "lcall $0xa3, $0");
  F(32, COMPAT0, "call through a gate", m.sp = INNER_SP, "lcall $0x60, $0");
  F(16, COMPAT3_16, "call through a gate", , "lcall $0x63, $0");
  F(64, RING3, "direct far call", , ".byte 0x9a, 0, 0, 0, 0, 0x2b, 0");
  F(64, RING3, "jmp not canonical", m.rax = BAD, "jmp *%%rax");
  F(64, RING3, "call not canonical", m.rax = BAD, "call *%%rax");
  F(64, RING3, "ret not canonical", m.rax = BAD, "push %%rax; ret");
  F(64, RING3, "16-bit ret", , "pushw $0x800; retw");
}

static void calls(void)
{
  F(64, RING3, "syscall", m.flags = 0x244, "syscall");
  F(32, COMPAT3, "syscall", , "syscall");
  F(64, RING3, "syscall without SCE", wrmsr(0xc0000080, 0x500), "syscall");
  F(64, RING0, "sysretq", , "mov $0x20800, %%ecx; mov $0x3c3302, %%r11d; and $-257, %%r11d; sysretq");
  F(64, RING0, "sysretl", , "mov $0x20800, %%ecx; mov $0x202, %%r11d; sysretl");
  F(64, RING0, "sysretq not canonical", , "mov $1, %%ecx; shl $47, %%rcx; sysretq");
  F(64, RING3, "sysretq", , "mov $0x20800, %%ecx; sysretq");
  F(64, RING3, "sysenter", m.flags = 0x200, "sysenter");
  F(32, COMPAT3, "sysenter", m.flags = 0x200, "sysenter");
  F(64, RING3, "sysenter, null CS", wrmsr(0x174, 3), "sysenter");
  F(64, RING0, "sysexit to 64-bit mode", wrmsr(0x174, 0x08), "mov $0x29000, %%ecx; mov $0x20800, %%edx; sysexitq");
  F(64, RING0, "sysexit to compatibility mode", , "mov $0x29000, %%ecx; mov $0x20800, %%edx; sysexitl");
  F(64, RING0, "sysexit not canonical", , "mov $1, %%edx; shl $47, %%rdx; sysexitq");
  F(64, RING3, "sysexit", , "sysexitl");
  F(64, RING3, "swapgs", , "swapgs");
  F(64, RING0, "swapgs", , "swapgs; mov $0xc0000101, %%ecx; rdmsr; mov %%eax, %%ebx; mov $0xc0000102, %%ecx; rdmsr; int3");
}

static void state(void)
{
  F(64, RING0, "gs base not canonical", , "mov $0xc0000101, %%ecx; xor %%eax, %%eax; mov $0x1000000, %%edx; wrmsr");
  F(64, RING0, "cr8", , "mov $9, %%eax; mov %%rax, %%cr8; xor %%eax, %%eax; mov %%cr8, %%rax; xor %%ecx, %%ecx; mov %%rcx, %%cr8; int3");
  F(64, RING0, "cr8 above 15", , "mov $16, %%eax; mov %%rax, %%cr8");
  F(64, RING0, "cr0 without paging", , "mov $0x11, %%eax; mov %%rax, %%cr0");
  F(64, RING0, "cr4 without PAE", , "mov $0x600, %%eax; mov %%rax, %%cr4");
  F(64, RING0, "efer with a reserved bit", , "mov $0xc0000080, %%ecx; mov $0x502, %%eax; xor %%edx, %%edx; wrmsr");
  F(64, RING0, "mov ss null", , "xor %%eax, %%eax; mov %%eax, %%ss; int3");
  F(64, RING3, "mov ss null", , "mov $3, %%eax; mov %%eax, %%ss");
  F(64, RING3, "mov ds null", , "xor %%eax, %%eax; mov %%eax, %%ds; mov (%%rbx), %%rax; int3");
  F(64, RING3, "mov ds of ring 0", , "mov $0x10, %%eax; mov %%eax, %%ds");
  F(64, RING0, "mov fs clears its base", , "mov $0xc0000100, %%ecx; mov $5, %%eax; xor %%edx, %%edx; wrmsr; xor %%eax, %%eax; mov %%eax, %%fs; rdmsr; int3");
  F(64, RING0, "mov fs of data clears its base too", , "mov $0x10, %%eax; mov %%eax, %%fs; mov $0xc0000100, %%ecx; rdmsr; int3");
  F(64, RING3, "data not canonical", m.rax = BAD, "mov (%%rax), %%eax");
  F(64, RING3, "stack not canonical", m.rax = BAD, "mov %%rax, %%rbp; mov (%%rbp), %%eax");
  F(64, RING3, "push not canonical", m.sp = BAD, "push %%rax");
  F(64, RING3, "last byte not canonical", m.rax = BAD - 3, "mov (%%rax), %%eax");
  F(64, RING3, "instruction not mapped", m.rax = 0x40000000, "jmp *%%rax");
  F(64, RING3, "write not mapped", m.rax = 0x40000000, "mov %%eax, (%%rax)");
  F(64, RING0, "lgdt not canonical", SET(0, 0xffff); SET(2, BAD << 9), "lgdt (%%rbx)");
  F(64, RING0, "lldt of 8 bytes", , "mov $0x10, %%eax; lldt %%ax");
  F(64, RING0, "ltr of a busy TSS", , "mov $0x50, %%eax; ltr %%ax");
  F(64, RING0, "lar, lsl of a TSS", , "xor %%eax, %%eax; xor %%ecx, %%ecx; mov $0x50, %%edx; lar %%edx, %%eax; lsl %%edx, %%ecx; int3");
  F(64, RING3, "popfq, flags it may not have", m.flags = 0x200, "pushq $0x3f7ed7; popfq; int3");
  F(64, RING0, "pushfq", m.flags = 0x40003, "pushfq; pop %%rax; int3");
  F(64, RING0, "breakpoint on a write", , "mov %%rbx, %%dr0; mov $0x90002, %%eax; mov %%rax, %%dr7; mov %%rax, -4(%%rbx); nop");
  F(64, RING0, "breakpoint on eight bytes", , "mov %%rbx, %%dr1; mov $0xb00008, %%eax; mov %%rax, %%dr7; mov 7(%%rbx), %%al; nop");
  F(64, RING0, "dr7 above 32 bits", , "mov %%rcx, %%dr7");
  F(64, RING3, "push es", , ".byte 6");
  F(64, RING3, "les", , ".byte 0xc4, 3");
  F(64, RING3, "lock on a register", , ".byte 0xf0, 0x01, 0xc0");
  F(32, COMPAT3, "address wraps", , "movl $-4, %%eax; mov $8, %%ecx; mov 0x20800(%%eax,%%ecx), %%eax; int3");
}

void main(void)
{
  struct { u16 limit; u64 base; } __attribute__((packed)) g = { sizeof gdt - 1, (u64)gdt }, i = { sizeof idt - 1, (u64)idt };
  gdt[K64 / 8] = segment(0, 0xfffff, 0xa09b); gdt[KDATA / 8] = segment(0, 0xfffff, 0xc093);
  gdt[U32 / 8] = segment(0, 0xfffff, 0xc0fb); gdt[UDATA / 8] = segment(0, 0xfffff, 0xc0f3); gdt[U64 / 8] = segment(0, 0xfffff, 0xa0fb);
  gdt[K32 / 8] = segment(0, 0xfffff, 0xc09b); gdt[CONFORMING / 8] = segment(0, 0xfffff, 0xa09f);
  gdt[K16 / 8] = segment(0, 0xfffff, 0x809b); gdt[U16 / 8] = segment(0, 0xfffff, 0x80fb);
  gdt[TSS / 8] = segment((u32)(u64)tss, sizeof tss - 1, 0x0089);
  gate(gdt + GATE / 8, K64, TARGET, 0xec, 0); gate(gdt + GATE_DPL0 / 8, K64, TARGET, 0x8c, 0); gate(gdt + GATE_COMPAT / 8, K32, TARGET, 0xec, 0);
  gate(gdt + GATE_BAD / 8, K64, BAD, 0xec, 0); gate(gdt + GATE_CONFORMING / 8, CONFORMING, TARGET, 0xec, 0);
  gdt[BOTH / 8] = segment(0, 0xfffff, 0xe09b);
  gate(gdt + GATE_UPPER / 8, K64, TARGET, 0xec, 0); gdt[GATE_UPPER / 8 + 1] |= 0x0100ull << 32;
  __asm__ volatile("lgdt %0; lidt %1" ::"m"(g), "m"(i));
  outb(0x3fb, 0x83); outb(0x3f8, 1); outb(0x3f9, 0); outb(0x3fb, 3); /* 115200 8N1 */
  outb(0x21, 0xff);
  outb(0xa1, 0xff);
  interrupts();
  transfers();
  calls();
  state();
  text("done\n");
  outl(0xf4, 0);
}
