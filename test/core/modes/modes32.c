/*
 * A tour of the modes of a 32-bit processor: fragments of code run in virtual-8086 mode, in rings 1 and 3, in 16- and 32-bit segments, and
 * every one ends with an exception or interrupt whose frame is printed on COM1. Two emulators that agree print the same.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define CODE 0x20000 /* fragments are copied to here, and stacks of rings 1-3 lie above */
#define TARGET (CODE + 0x800) /* int 7f: where gates lead */
#define USER_SP 0x9000
#define INNER_SP (CODE + 0xc000)
#define RING1_SP (CODE + 0xb000)

/* selectors */
enum {
  K32 = 0x08, KDATA = 0x10, U32 = 0x1b, UDATA = 0x23, K16 = 0x28, U16 = 0x33, CONFORMING = 0x38, KBASED = 0x40, TSS = 0x48, TSS_DF = 0x50,
  GATE32 = 0x5b, GATE16 = 0x63, GATE_CONFORMING = 0x6b, STACK16 = 0x70, DOWN = 0x78, R1 = 0x81, R1DATA = 0x89, GATE_R1 = 0x93, GATE_DPL0 = 0x98,
  GATE_ABSENT = 0xa3, USTACK16 = 0xab, SMALL = 0xb0, XONLY = 0xbb, GATE_DATA = 0xc3, GATE_TASK = 0xd3, LDT = 0xd8, END = 0xe0,
};

static u64 gdt[END / 8];
static u64 idt[256];
static u64 ldt[4];
static struct { u32 w[26]; u8 redirection[32]; u8 io[8193]; } tss;
static u32 tss_df[26];
static u8 df_stack[1024];
extern u8 stubs[], double_fault[], kernel_esp[];
void enter(u32 *frame);

static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" ::"a"(v), "d"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("outl %0, %1" ::"a"(v), "d"(port)); }
static inline u8 inb(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port)); return v; }
static void put(char c)
{
  while ((inb(0x3fd) & 0x20) == 0) {}
  outb(0x3f8, c);
}
static void text(const char *s) { while (*s) put(*s++); }
static void hex(u32 v, int digits) { while (digits--) put("0123456789abcdef"[(v >> (digits * 4)) & 15]); }
static void field(const char *name, u32 v, int digits) { put(' '); text(name); put('='); hex(v, digits); }

static u64 segment(u32 base, u32 limit, u32 rights)
{
  return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(rights & 0xff) << 40 | (u64)((limit >> 16) & 15) << 48 |
    (u64)(rights >> 12 & 15) << 52 | (u64)(base >> 24) << 56;
}
static u64 gate(u32 selector, u32 offset, u32 rights, u32 parameters)
{
  return (offset & 0xffff) | (u64)selector << 16 | (u64)parameters << 32 | (u64)rights << 40 | (u64)(offset >> 16) << 48;
}

static u32 flat(u32 ss, u32 sp, u32 flags)
{
  if (flags & 0x20000) return ((ss & 0xffff) << 4) + (sp & 0xffff);
  if (ss == USTACK16) return CODE + (sp & 0xffff);
  return sp;
}

void report(u32 *s)
{
  /* es ds edi esi ebp esp ebx edx ecx eax vector error eip cs eflags esp ss es ds fs gs */
  u32 vector = s[10], *f = s + 12, flags = f[2], dr6;
  u32 outer = (flags & 0x20000) || (f[1] & 3), *stack;
  __asm__ volatile("mov %0, %%dr7" ::"r"(0));
  text(" ->"); field("v", vector, 2);
  if (s[11] != 0xffffffff) field("err", s[11], 4);
  field("eip", f[0], 5); field("cs", f[1], 4); field("fl", flags & 0x3fffff, 6);
  field("a", s[9], 8); field("b", s[6], 8); field("c", s[8], 8); field("d", s[7], 8);
  field("ds", s[1] & 0xffff, 4); field("es", s[0] & 0xffff, 4);
  if (outer) { field("ss", f[4] & 0xffff, 4); field("sp", f[3], 5); stack = (u32 *)flat(f[4], f[3], flags); }
  else { field("at", (u32)f, 5); stack = f + 3; }
  if (flags & 0x20000) { field("ves", f[5] & 0xffff, 4); field("vgs", f[8] & 0xffff, 4); }
  text(" [");
  for (int i = 0; i < 6; i++) { if (i) put(' '); hex(stack[i], 8); }
  put(']');
  if (vector == 1) { __asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0)); field("dr6", dr6 & 0xe00f, 4); }
  put('\n');
}

static void load_tr(void)
{
  gdt[TSS / 8] &= ~(2ull << 40);
  gdt[TSS_DF / 8] &= ~(2ull << 40);
  __asm__ volatile("ltr %w0; clts" ::"r"(TSS));
}

void report_double_fault(void)
{
  text(" -> double fault:"); field("eip", tss.w[8], 5); field("cs", tss.w[19] & 0xffff, 4); field("fl", tss.w[9] & 0x3fffff, 6);
  field("ss", tss.w[20] & 0xffff, 4); field("link", tss_df[0] & 0xffff, 4); put('\n');
  load_tr();
}

/* ---- what is run */


static struct { u32 cr4, iopl, flags; } m;
enum mode { V86, RING3, RING3_16, RING0, RING0_16, RING1, CONFORMING3 };

static void reset(void)
{
  for (u32 *p = (u32 *)CODE; p < (u32 *)(CODE + 0x10040); p++) *p = 0;
  u8 *t = (u8 *)TARGET;
  t[0] = 0xcd; t[1] = 0x7f;
  for (int i = 0; i < 256; i++) idt[i] = gate(K32, (u32)stubs + 16 * i, i == 3 || i == 4 || i >= 0x20 ? 0xee : 0x8e, 0);
  idt[0x21] = gate(K32, (u32)stubs + 16 * 0x21, 0x8e, 0);          /* ring 0 only */
  idt[0x22] = gate(K32, (u32)stubs + 16 * 0x22, 0xef, 0);          /* trap gate */
  idt[0x23] = gate(K32, (u32)stubs + 16 * 0x23, 0x6e, 0);          /* absent */
  idt[0x24] = gate(KBASED, 0x800, 0xe6, 0);                        /* 16 bits */
  idt[0x25] = gate(CONFORMING, TARGET, 0xee, 0);                   /* conforming */
  idt[0x26] = gate(R1, TARGET, 0xee, 0);                           /* to ring 1 */
  idt[0x27] = gate(0, TARGET, 0xee, 0);                            /* null selector */
  idt[0x28] = gate(UDATA, TARGET, 0xee, 0);                        /* data */
  idt[0x29] = gate(U32, TARGET, 0xee, 0);                          /* ring 3 */
  idt[0x2a] = gate(K32, TARGET, 0xec, 0);                          /* a call gate */
  idt[0x2b] = gate(GATE_DATA + 0x100, TARGET, 0xee, 0);            /* behind the table */
  idt[8] = gate(TSS_DF, 0, 0x85, 0);
  for (u32 i = 0; i < sizeof tss / 4; i++) ((u32 *)&tss)[i] = 0;
  tss.w[1] = INNER_SP; tss.w[2] = KDATA; tss.w[3] = RING1_SP; tss.w[4] = R1DATA;
  tss.w[25] = 136 << 16;
  tss.io[8192] = 0xff;
  for (int i = 0; i < 26; i++) tss_df[i] = 0;
  tss_df[8] = (u32)double_fault; tss_df[9] = 2; tss_df[14] = (u32)df_stack + sizeof df_stack;
  tss_df[18] = KDATA; tss_df[19] = K32; tss_df[20] = KDATA; tss_df[21] = KDATA;
  load_tr();
  m.cr4 = m.iopl = m.flags = 0;
}

static void run(const char *name, u8 *from, u8 *end, enum mode mode)
{
  u32 *f = (u32 *)(CODE + 0xd000);
  text(name);
  for (u32 i = 0; from + i < end; i++) ((u8 *)CODE)[i] = from[i];
  __asm__ volatile("mov %0, %%cr4" ::"r"(m.cr4));
  u32 i = 0;
  f[i++] = mode == V86 || mode == RING0 || mode == RING0_16 ? KDATA : UDATA;
  f[i++] = 0x11111111; f[i++] = 0x22222222; f[i++] = 0x33333333; f[i++] = 0; f[i++] = 0xbbbbbbbb; f[i++] = 0xdddddddd; f[i++] = 0xcccccccc; f[i++] = 0xaaaaaaaa;
  u32 flags = 2 | m.iopl << 12 | m.flags;
  switch (mode) {
  case V86: f[i++] = 0; f[i++] = CODE >> 4; f[i++] = flags | 0x20000; f[i++] = USER_SP; f[i++] = CODE >> 4;
    f[i++] = 0x1111; f[i++] = 0x2000; f[i++] = 0x3333; f[i++] = 0x4444; break;
  case RING3: f[i++] = CODE; f[i++] = U32; f[i++] = flags; f[i++] = CODE + USER_SP; f[i++] = UDATA; break;
  case CONFORMING3: f[i++] = CODE; f[i++] = CONFORMING | 3; f[i++] = flags; f[i++] = CODE + USER_SP; f[i++] = UDATA; break;
  case RING3_16: f[i++] = 0; f[i++] = U16; f[i++] = flags; f[i++] = USER_SP; f[i++] = USTACK16; break;
  case RING1: f[i++] = CODE; f[i++] = R1; f[i++] = flags; f[i++] = CODE + USER_SP; f[i++] = R1DATA; break;
  case RING0: f[i++] = CODE; f[i++] = K32; f[i++] = flags; break;
  case RING0_16: f[i++] = 0; f[i++] = K16; f[i++] = flags; break;
  }
  enter(f);
  __asm__ volatile("mov %0, %%cr4; mov %1, %%ds; mov %1, %%es; mov %2, %%fs; mov %2, %%gs" ::"r"(0), "r"(KDATA), "r"(0));
}

/* registers and frame are as `run` makes them; ends with an exception, or with the int 7f at TARGET */
#define F(bits, mode, what, setup, code) do { \
  static u8 *from, *end; \
  __asm__ volatile("movl $7f, %0; movl $8f, %1\n.pushsection .rodata\n.code" #bits "\n7: " code "\n8:\n.code32\n.popsection" : "=m"(from), "=m"(end)); \
  reset(); setup; run(#mode " " what, from, end, mode); } while (0)

#define VME (m.cr4 = 1)
#define PVI (m.cr4 = 2)
#define IVT(n, seg, off) (((volatile u32 *)4)[(n) - 1] = (seg) << 16 | (off))

static void virtual8086(void)
{
  F(16, V86, "int 20, iopl 3", m.iopl = 3, "int $0x20");
  F(16, V86, "int 20, iopl 0", m.iopl = 0, "int $0x20");
  F(16, V86, "int 21, gate of ring 0", m.iopl = 3, "int $0x21");
  F(16, V86, "int3", , "int3");
  F(16, V86, "int3, gate of ring 0", idt[3] = gate(K32, (u32)stubs + 48, 0x8e, 0), "int3");
  F(16, V86, "into", , "mov $0x7f, %%al; inc %%al; into");
  F(16, V86, "icebp", , ".byte 0xf1");
  F(16, V86, "to a conforming handler", m.iopl = 3, "int $0x25");
  F(16, V86, "to ring 1", m.iopl = 3, "int $0x26");
  F(16, V86, "16-bit gate", m.iopl = 3, "int $0x24");
  F(16, V86, "cli", m.flags = 0x200, "cli; int3");
  F(16, V86, "cli, iopl 3", m.iopl = 3; m.flags = 0x200, "cli; int3");
  F(16, V86, "sti", , "sti; int3");
  F(16, V86, "sti, iopl 3", m.iopl = 3, "sti; nop; int3");
  F(16, V86, "pushf", , "pushf; int3");
  F(16, V86, "pushf, iopl 3", m.iopl = 3; m.flags = 0x200, "pushf; int3");
  F(16, V86, "pushfl, iopl 3", m.iopl = 3; m.flags = 0x240200, "pushfl; int3");
  F(16, V86, "popf", , "popf");
  F(16, V86, "popf, iopl 3", m.iopl = 3, "push $0x7fd7 - 0x100; popf; int3");
  F(16, V86, "popfl, iopl 3", m.iopl = 3, "pushl $0x3d7ed7; popfl; int3");
  F(16, V86, "iret", , "iret");
  F(16, V86, "iret, iopl 3", m.iopl = 3, "push $0x200; push $0x2000; push $0x800; iret");
  F(16, V86, "iretl, iopl 3", m.iopl = 3, "pushl $0x3c0200; pushl $0x2000; pushl $0x800; iretl");
  F(16, V86, "hlt", , "hlt");
  F(16, V86, "sldt", , "sldt %%ax");
  F(16, V86, "arpl", , "arpl %%ax, %%bx");
  F(16, V86, "lgdt", , "lgdt 0");
  F(16, V86, "mov cr0", , "mov %%cr0, %%eax");
  F(16, V86, "smsw", , "smsw %%ax; and $0xf, %%ax; int3");
  F(16, V86, "out, allowed", , "mov $0x80, %%dx; mov $0, %%eax; out %%al, %%dx; int3");
  F(16, V86, "out, refused", tss.io[0x80 >> 3] = 1, "mov $0x80, %%dx; out %%al, %%dx; int3");
  F(16, V86, "out, refused by the second port", tss.io[(0x7f >> 3) + 1] = 1, "mov $0x7f, %%dx; out %%ax, %%dx; int3");
  F(16, V86, "out, behind the map", gdt[TSS / 8] = segment((u32)&tss, 136 + 8, 0x89); load_tr(), "mov $0x200, %%dx; out %%al, %%dx; int3");
  F(16, V86, "far call", , "mov $0x1234, %%ax; lcall $0x2000, $0x10; .org 7b + 0x10, 0x90; int3");
  F(16, V86, "far jump behind 64 KiB", , "ljmpl $0x2000, $0x10000");
  F(16, V86, "mov ds", , "mov $0x2010, %%ax; mov %%ax, %%ds; movl $0x55aa55aa, 0x100; mov %%cs:0x200, %%ebx; int3");
  F(16, V86, "word at ffff", , "mov 0xffff, %%ax");
  F(16, V86, "dword on the stack at fffe", , "mov $0xfffe, %%bp; mov (%%bp), %%eax");
  F(16, V86, "push at 1", , "mov $1, %%sp; push %%ax");
  F(16, V86, "single step", m.flags = 0x100, "nop; nop");
  F(16, V86, "#UD", , "ud2");
  F(16, V86, "#DE", , "xor %%cx, %%cx; div %%cx");
}

static void vme(void)
{
  F(16, V86, "redirected int", VME; IVT(0x40, 0x2000, 0x80), "int $0x40; .org 7b + 0x80, 0x90; int3");
  F(16, V86, "redirected int, iopl 3", VME; m.iopl = 3; m.flags = 0x200; IVT(0x40, 0x2000, 0x80), "int $0x40; .org 7b + 0x80, 0x90; int3");
  F(16, V86, "redirected int, VIF", VME; m.flags = 0x80200; IVT(0x40, 0x2000, 0x80), "int $0x40; .org 7b + 0x80, 0x90; int3");
  F(16, V86, "redirected int, TF", VME; m.flags = 0x100; IVT(0x40, 0x2000, 0x80), "int $0x40; .org 7b + 0x80, 0x90; nop; int3");
  F(16, V86, "int not redirected, iopl 0", VME; tss.redirection[8] = 1, "int $0x40");
  F(16, V86, "int not redirected, iopl 3", VME; m.iopl = 3; tss.redirection[8] = 1, "int $0x40");
  F(16, V86, "int3 is never redirected", VME; IVT(3, 0x2000, 0x80), "int3");
  F(16, V86, "cli", VME; m.flags = 0x80200, "cli; int3");
  F(16, V86, "sti", VME, "sti; int3");
  F(16, V86, "sti, VIP", VME; m.flags = 0x100000, "sti; int3");
  F(16, V86, "pushf", VME; m.flags = 0x80000, "pushf; int3");
  F(16, V86, "pushf, VIF clear", VME; m.flags = 0x200, "pushf; int3");
  F(16, V86, "pushfl", VME, "pushfl; int3");
  F(16, V86, "popf sets VIF", VME, "push $0x200; popf; int3");
  F(16, V86, "popf clears VIF", VME; m.flags = 0x80200, "push $0x3000; popf; int3");
  F(16, V86, "popf, VIP", VME; m.flags = 0x100000, "push $0x200; popf; int3");
  F(16, V86, "popf, TF", VME, "push $0x100; popf; nop; int3");
  F(16, V86, "popfl", VME, "pushl $0; popfl; int3");
  F(16, V86, "iret sets VIF", VME, "push $0x200; push $0x2000; push $0x80; iret; .org 7b + 0x80, 0x90; int3");
  F(16, V86, "iret, VIP", VME; m.flags = 0x100000, "push $0x200; push $0x2000; push $0x80; iret");
  F(32, RING3, "cli with PVI", PVI; m.flags = 0x80200, "cli; int3");
  F(32, RING3, "sti with PVI", PVI; m.flags = 0x200, "sti; int3");
  F(32, RING3, "sti with PVI and VIP", PVI; m.flags = 0x100200, "sti; int3");
  F(32, RING3, "pushf with PVI", PVI; m.flags = 0x80200, "pushf; int3");
  F(32, RING3, "popf with PVI", PVI; m.flags = 0x80200, "pushl $0; popf; int3");
}

static void interrupts(void)
{
  F(32, RING3, "int 20", m.flags = 0x200, "int $0x20");
  F(32, RING3, "int 22, trap gate", m.flags = 0x200, "int $0x22");
  F(32, RING3, "int 21, gate of ring 0", , "int $0x21");
  F(32, RING3, "int 23, absent gate", , "int $0x23");
  F(32, RING3, "int 24, 16-bit gate", , "int $0x24");
  F(32, RING3, "int 25, conforming", , "int $0x25");
  F(32, RING3, "int 26, to ring 1", , "int $0x26");
  F(32, RING3, "int 27, null selector", , "int $0x27");
  F(32, RING3, "int 28, data", , "int $0x28");
  F(32, RING3, "int 29, to ring 3", , "int $0x29");
  F(32, RING3, "int 2a, a call gate", , "int $0x2a");
  F(32, RING3, "int 2b, behind the GDT", , "int $0x2b");
  F(32, RING0, "int 24, 16-bit gate", , "int $0x24");
  F(32, RING0, "int 29, to ring 3", , "int $0x29");
  F(32, RING1, "int 26, to ring 1", , "int $0x26");
  F(32, RING1, "int 20", , "int $0x20");
  F(32, CONFORMING3, "int 20", , "int $0x20");
  F(16, RING3_16, "int 20", , "int $0x20");
  F(16, RING0_16, "int 20", , "int $0x20");
  F(32, RING3, "#NP of a gate for #UD", idt[6] = gate(K32, (u32)stubs + 96, 0x0e, 0), "ud2");
  F(32, RING3, "#GP of a gate for #GP", idt[13] = gate(KDATA, (u32)stubs + 208, 0x8e, 0), "hlt");
  F(32, RING3, "null SS in the TSS", tss.w[2] = 0, "int $0x20");
  F(32, RING3, "SS of ring 3 in the TSS", tss.w[2] = UDATA, "int $0x20");
  F(32, RING1, "int 26 in a TSS without ring 1", tss.w[4] = 0, "int $0x26");
  F(32, RING3, "no stack for ring 1", tss.w[4] = 0, "int $0x26");
  F(32, RING3, "code for the stack of ring 1", tss.w[4] = R1, "int $0x26");
  F(32, RING3, "single step", m.flags = 0x100, "nop; nop");
  F(32, RING3, "popf sets TF", , "pushl $0x102; popf; nop; nop");
  F(32, RING3, "popf clears TF", m.flags = 0x100, "nop");
  F(32, RING0, "TF and int 20", m.flags = 0x100, ".byte 0xcd, 0x20");
  F(32, RING3, "into without overflow", , "xor %%eax, %%eax; into; int3");
  F(32, RING3, "bound", , "pushl $5; pushl $3; mov $6, %%eax; bound %%eax, (%%esp)");
  F(32, RING3, "bound, inside", , "pushl $5; pushl $3; mov $5, %%eax; bound %%eax, (%%esp); int3");
  F(32, RING3, "rf", m.flags = 0x10000, "int3");
}

static void gates(void)
{
  F(32, RING3, "call through a 32-bit gate with 2 parameters", , "pushl $0x1111; pushl $0x2222; lcall $0x5b, $0");
  F(32, RING3, "call through a 16-bit gate with 2 parameters", , "pushl $0x11112222; lcall $0x63, $0");
  F(32, RING3, "call through a gate to conforming code", , "lcall $0x6b, $0");
  F(32, RING3, "call through a gate to ring 1", , "pushl $0x3333; lcall $0x93, $0");
  F(32, RING3, "call through a gate of ring 0", , "lcall $0x9b, $0");
  F(32, RING3, "call through an absent gate", , "lcall $0xa3, $0");
  F(32, RING3, "call through a gate to data", , "lcall $0xc3, $0");
  F(32, RING3, "jump through a gate", , "ljmp $0x5b, $0");
  F(32, RING3, "jump through a gate to conforming code", , "ljmp $0x6b, $0");
  F(32, RING0, "jump through a gate", , "ljmp $0x58, $0");
  F(32, RING0, "call through a gate", , "pushl $0x1111; lcall $0x58, $0");
  F(32, RING1, "call through a gate with 2 parameters", , "pushl $0x1111; pushl $0x2222; lcall $0x59, $0");
  F(16, RING3_16, "call through a 32-bit gate", , "movzwl %%sp, %%esp; pushl $0x1111; pushl $0x2222; lcall $0x5b, $0");
  F(16, RING3_16, "call through a 16-bit gate", , "pushl $0x11112222; lcall $0x63, $0");
  F(32, RING3, "call to conforming code", , "lcall $0x38, $0x20800");
  F(32, RING3, "call to ring 0", , "lcall $0x08, $0x20800");
  F(32, RING3, "call to data", , "lcall $0x23, $0x20800");
  F(32, RING3, "call to null", , "lcall $0, $0x20800");
  F(32, RING3, "call to a TSS", , "lcall $0x48, $0");
  F(32, RING3, "call through a task gate of ring 0", , "lcall $0xd0, $0");
  F(32, RING3, "16-bit far call", , "lcallw $0x33, $0x800");
  F(32, RING3, "far return to ring 0", , "pushl $8; pushl $0x20800; lret");
  F(32, RING1, "far return to ring 3 with 8 bytes", , "pushl $0x23; pushl $0x29000; pushl $0x7777; pushl $0x8888; pushl $0x1b; pushl $0x20800; lret $8");
  F(32, RING0, "far return to ring 3, ds and es of ring 0", , "mov $0x38, %%eax; mov %%eax, %%es; pushl $0x23; pushl $0x29000; pushl $0x1b; pushl $0x20800; lret");
  F(32, RING0, "far return to a 16-bit stack", , "mov $0xdead0000, %%esi; pushl $0xab; pushl $0x12349000; pushl $0x33; pushl $0x800; lret");
  F(32, RING0, "iret to 16-bit code", , "pushl $0xab; pushl $0x12349000; pushl $0x202; pushl $0x33; pushl $0x800; iret");
  F(32, RING0, "iret to ring 1", , "pushl $0x89; pushl $0x29000; pushl $0x3202; pushl $0x81; pushl $0x20800; iret");
  F(32, RING0, "iret with SS of another level", , "pushl $0x89; pushl $0x29000; pushl $0x3202; pushl $0x1b; pushl $0x20800; iret");
  F(32, RING0, "iret with null SS", , "pushl $0; pushl $0x29000; pushl $0x3202; pushl $0x1b; pushl $0x20800; iret");
  F(32, RING0, "iret behind the limit", , "pushl $2; pushl $0x28; pushl $0x10000; iret");
  F(32, RING0, "iretw", , "pushw $0x3ed7; pushw $0x28; pushw $0x800; iretw");
  F(32, RING3, "iret to itself, flags it may not have", m.flags = 0x200, "pushl $0x3c3002; pushl $0x1b; pushl $0x20800; iret");
  F(32, RING3, "iret with VM is ignored in ring 3", , "pushl $0x20002; pushl $0x1b; pushl $0x20800; iret");
  F(32, RING3, "popf, flags it may not have", m.flags = 0x200, "pushl $0x3f7ed7; popf; int3");
  F(32, RING0, "popf", , "pushl $0x3d3ed7; popf; int3");
  F(32, RING3, "iret with NT to a null task", m.flags = 0x4000, "iret");
}

static void segments(void)
{
  F(32, RING3, "ss null", , "xor %%eax, %%eax; mov %%eax, %%ss");
  F(32, RING3, "ss of ring 0", , "mov $0x10, %%eax; mov %%eax, %%ss");
  F(32, RING3, "ds of ring 0", , "mov $0x10, %%eax; mov %%eax, %%ds");
  F(32, RING3, "ds null and used", , "xor %%eax, %%eax; mov %%eax, %%ds; mov (%%ebx), %%eax");
  F(32, RING3, "ds conforming code", , "mov $0x3b, %%eax; mov %%eax, %%ds; mov 0x20800, %%eax; int3");
  F(32, RING3, "write to code", , "mov %%cs, %%eax; mov %%eax, %%ds; movl $0, 0x20900");
  F(32, RING3, "read of execute-only code", , "mov $0xbb, %%eax; mov %%eax, %%ds");
  F(32, RING3, "selector behind the GDT", , "mov $0x1003, %%eax; mov %%eax, %%ds");
  F(32, RING3, "selector of an absent LDT", , "mov $0x7, %%eax; mov %%eax, %%ds");
  F(32, RING0, "LDT", , "mov $0xd8, %%eax; lldt %%ax; mov $0xc, %%eax; mov %%eax, %%ds; mov 0x800, %%eax; xor %%ecx, %%ecx; lldt %%cx; int3");
  F(32, RING0, "lsl, lar, verr", , "xor %%eax, %%eax; mov $0x70, %%ecx; lsl %%ecx, %%eax; lar %%ecx, %%ebx; mov $0xbb, %%edx; verr %%dx; int3");
  F(32, RING3, "lar of a gate, arpl", , "mov $0x5b, %%ecx; lar %%ecx, %%ebx; mov $0x10, %%eax; arpl %%cx, %%ax; int3");
  F(16, RING3_16, "jump behind the limit", , "mov $0x1234, %%ax; jmpl *%%ebx");
  F(16, RING3_16, "push wraps", , "mov $2, %%esp; push %%ax; push %%ax; int3");
  F(16, RING3_16, "pushl at 2", , "mov $0x20002, %%esp; pushl %%eax");
  F(16, RING3_16, "32-bit address behind the limit", , "mov $0xab, %%ax; mov %%ax, %%ds; mov $0x10000, %%ebx; mov (%%ebx), %%al");
  F(32, RING0, "expand-down below its limit", , "mov $0x78, %%eax; mov %%eax, %%ds; mov 0x0fff, %%al");
  F(32, RING0, "expand-down above its limit", , "mov $0x78, %%eax; mov %%eax, %%ds; mov 0x1000, %%al; mov 0xfffc, %%eax; int3");
  F(32, RING0, "expand-down behind 64 KiB", , "mov $0x78, %%eax; mov %%eax, %%ds; mov 0xfffd, %%eax");
  F(32, RING0, "small segment", , "mov $0xb0, %%eax; mov %%eax, %%ds; mov 0xc, %%eax; mov 0xd, %%eax");
  F(32, RING3, "sgdt, str, smsw", , "str %%eax; smsw %%ebx; and $0xe, %%ebx; int3");
  F(32, RING3, "clts", , "clts");
  F(32, RING3, "invd", , "invd");
  F(32, RING3, "mov dr0", , "mov %%eax, %%dr0");
  F(32, RING3, "lmsw", , "lmsw %%ax");
  F(32, RING0, "lmsw cannot clear PE", , "xor %%eax, %%eax; lmsw %%ax; smsw %%ebx; and $1, %%ebx; int3");
  F(32, RING0, "ltr of a busy TSS", , "mov $0x48, %%eax; ltr %%ax");
  F(32, RING0, "lldt of a TSS", , "mov $0x50, %%eax; lldt %%ax");
  F(32, RING0, "breakpoint on a write", , "mov $0x20900, %%eax; mov %%eax, %%dr0; mov $0xd0002, %%eax; mov %%eax, %%dr7; mov %%ebx, (0x20900); xor %%eax, %%eax; mov %%eax, %%dr7");
  F(32, RING0, "breakpoint on an instruction", , "mov $0x20014, %%eax; mov %%eax, %%dr1; mov $8, %%eax; mov %%eax, %%dr7; .org 7b + 0x14, 0x90; inc %%eax");
  F(32, RING0, "none any more", , "xor %%eax, %%eax; mov %%eax, %%dr7; int3");
}

void main(void)
{
  struct { u16 limit; u32 base; } __attribute__((packed)) g = { sizeof gdt - 1, (u32)gdt }, i = { sizeof idt - 1, (u32)idt };
  gdt[K32 / 8] = segment(0, 0xfffff, 0xc09b); gdt[KDATA / 8] = segment(0, 0xfffff, 0xc093);
  gdt[U32 / 8] = segment(0, 0xfffff, 0xc0fb); gdt[UDATA / 8] = segment(0, 0xfffff, 0xc0f3);
  gdt[K16 / 8] = segment(CODE, 0xffff, 0x009b); gdt[U16 / 8] = segment(CODE, 0xffff, 0x00fb);
  gdt[CONFORMING / 8] = segment(0, 0xfffff, 0xc09f); gdt[KBASED / 8] = segment(CODE, 0xffff, 0x409b);
  gdt[TSS / 8] = segment((u32)&tss, sizeof tss - 1, 0x0089); gdt[TSS_DF / 8] = segment((u32)tss_df, 103, 0x0089);
  gdt[GATE32 / 8] = gate(K32, TARGET, 0xec, 2); gdt[GATE16 / 8] = gate(KBASED, 0x800, 0xe4, 2);
  gdt[GATE_CONFORMING / 8] = gate(CONFORMING, TARGET, 0xec, 0); gdt[STACK16 / 8] = segment(CODE, 0xffff, 0x0093);
  gdt[DOWN / 8] = segment(CODE, 0xfff, 0x0097); gdt[R1 / 8] = segment(0, 0xfffff, 0xc0bb); gdt[R1DATA / 8] = segment(0, 0xfffff, 0xc0b3);
  gdt[GATE_R1 / 8] = gate(R1, TARGET, 0xec, 1); gdt[GATE_DPL0 / 8] = gate(K32, TARGET, 0x8c, 0);
  gdt[GATE_ABSENT / 8] = gate(K32, TARGET, 0x6c, 0); gdt[USTACK16 / 8] = segment(CODE, 0xffff, 0x00f3);
  gdt[SMALL / 8] = segment(CODE, 15, 0x4093); gdt[XONLY / 8] = segment(0, 0xfffff, 0xc0f9); gdt[GATE_DATA / 8] = gate(KDATA, TARGET, 0xec, 0);
  gdt[GATE_TASK / 8] = gate(TSS_DF, 0, 0x85, 0);
  ldt[1] = segment(CODE, 0xffff, 0x4093);
  gdt[LDT / 8] = segment((u32)ldt, 31, 0x0082);
  __asm__ volatile("lgdt %0; lidt %1; ljmp %2, $1f; 1: mov %3, %%ds; mov %3, %%es; mov %3, %%ss" ::"m"(g), "m"(i), "i"(K32), "r"(KDATA));
  outb(0x3fb, 0x83); outb(0x3f8, 1); outb(0x3f9, 0); outb(0x3fb, 3); /* 115200 8N1 */
  outb(0x21, 0xff);
  outb(0xa1, 0xff);
  virtual8086();
  vme();
  interrupts();
  gates();
  segments();
  text("done\n");
  outl(0xf4, 0);
}
