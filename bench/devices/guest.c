/* A guest that only drives devices, each by polling or by interrupts as simply as can be: `serial`, `timer`, `disk` as the kernel's command line.
   Prints "B" before and "E" after, which is what is timed from outside. */
#include "../kernels/k.h"
static void outb(u16 p, u8 v) { __asm__ volatile("outb %0,%1" :: "a"(v), "Nd"(p)); }
static u8 inb(u16 p) { u8 v; __asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(p)); return v; }
static void outl(u16 p, u32 v) { __asm__ volatile("outl %0,%1" :: "a"(v), "Nd"(p)); }
static u32 inl(u16 p) { u32 v; __asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(p)); return v; }
static void outw(u16 p, u16 v) { __asm__ volatile("outw %0,%1" :: "a"(v), "Nd"(p)); }
#define AT(type, address) (*(volatile type *)(address))

static void put(char c) {
  while (!(inb(0x3fd) & 0x20)) {}
  outb(0x3f8, c);
}
static void say(const char *s) { while (*s) put(*s++); }
static void off(void) {
  outw(0x604, 0x2000);                          /* ACPI S5, here and in QEMU */
  for (;;) __asm__ volatile("cli; hlt");
}
static void fail(const char *why) { say("failed: "); say(why); say("\n"); off(); }

/* one MiB of text, byte by byte */
static void serial(void) {
  for (u32 i = 0; i < 1 << 20; i++) put(i % 64 == 63 ? '\n' : '.');
}

/* 200000 interrupts of the local APIC's timer, each waited for by HLT */
static volatile u32 ticks;
__attribute__((interrupt, target("general-regs-only"))) static void tick(void *frame) {
  (void)frame;
  ticks++;
  AT(u32, 0xfee000b0) = 0;
}
static u64 idt[256];
static void timer(void) {
  u32 handler = (u32)tick;
  idt[0x40] = (u64)(handler >> 16) << 48 | 0x8e0000080000ull | (handler & 0xffff);
  struct { u16 limit; u32 base; } __attribute__((packed)) idtr = { sizeof idt - 1, (u32)idt };
  __asm__ volatile("lidt %0" :: "m"(idtr));
  outb(0x21, 0xff);                             /* nothing but the APIC's */
  outb(0xa1, 0xff);
  AT(u32, 0xfee000f0) = 0x1ff;
  AT(u32, 0xfee003e0) = 0xb;                    /* divide by 1 */
  AT(u32, 0xfee00320) = 0x20040;                /* periodic */
  AT(u32, 0xfee00380) = 10000;
  while (ticks < 200000) __asm__ volatile("sti; hlt; cli");
  AT(u32, 0xfee00380) = 0;
}

/* the whole disk four times, 128 KiB a request in pieces of 4 KiB, as Linux' read-ahead does it */
struct descriptor { u64 address; u32 length; u16 flags, next; };
static struct descriptor descriptors[256] __attribute__((aligned(16)));
static struct { u16 flags, index, heads[256], event; } available __attribute__((aligned(16)));
static volatile struct { u16 flags, index; struct { u32 head, written; } entries[256]; u16 event; } used __attribute__((aligned(16)));
static struct { u32 type, reserved; u64 sector; } header;
static u8 status;
static u8 data[131072] __attribute__((aligned(4096)));

static u32 config(u32 slot, u32 at) {
  outl(0xcf8, 0x80000000 | slot << 11 | at);
  return inl(0xcfc);
}
static void configure(u32 slot, u32 at, u32 value) {
  outl(0xcf8, 0x80000000 | slot << 11 | at);
  outl(0xcfc, value);
}
static void disk(void) {
  u32 slot = 0, common = 0, notify = 0, device = 0;
  while (slot < 32 && config(slot, 0) != 0x10421af4) slot++;
  if (slot == 32) fail("no disk");
  configure(slot, 4, 6);
  for (u32 at = config(slot, 0x34) & 0xff; at; at = config(slot, at) >> 8 & 0xff) {
    u32 id = config(slot, at), where = (config(slot, 0x10 + 4 * (config(slot, at + 4) & 7)) & ~15u) + config(slot, at + 8);
    if ((id & 0xff) != 9) continue;
    if (id >> 24 == 1) common = where;
    if (id >> 24 == 2) notify = where;
    if (id >> 24 == 4) device = where;
  }
  AT(u8, common + 0x14) = 0;
  AT(u8, common + 0x14) = 3;
  AT(u32, common + 8) = 1;
  AT(u32, common + 12) = 1;                     /* VERSION_1 and nothing else */
  AT(u8, common + 0x14) = 11;
  AT(u16, common + 0x16) = 0;
  AT(u16, common + 0x18) = 256;
  AT(u32, common + 0x20) = (u32)descriptors;
  AT(u32, common + 0x28) = (u32)&available;
  AT(u32, common + 0x30) = (u32)&used;
  AT(u16, common + 0x1c) = 1;
  AT(u8, common + 0x14) = 15;
  available.flags = 1;                          /* no interrupts */
  descriptors[0] = (struct descriptor){ (u32)&header, 16, 1, 1 };
  for (u32 i = 0; i < 32; i++) descriptors[1 + i] = (struct descriptor){ (u32)data + 4096 * i, 4096, 3, 2 + i };
  descriptors[33] = (struct descriptor){ (u32)&status, 1, 2, 0 };
  u32 sectors = AT(u32, device) & ~255u;
  for (u32 round = 0; round < 4; round++)
    for (header.sector = 0; header.sector < sectors; header.sector += 256) {
      AT(u16, &available.index)++;
      AT(u16, notify) = 0;
      while (used.index != available.index) {}
      if (AT(u8, &status)) fail("a read");
    }
}

void cstart(const u32 *mbi) {
  u32 *pages;
  __asm__("mov %%cr3, %0" : "=r"(pages));       /* devices are above what boot.S maps */
  for (u32 i = 256; i < 1024; i++) pages[i] = i << 22 | 0x93;
  outb(0x3fb, 0x80); outb(0x3f8, 1); outb(0x3f9, 0); outb(0x3fb, 3); outb(0x3fa, 0xc7);
  const char *args = mbi[0] & 4 ? (const char *)mbi[4] : "";
  char last = 0;
  while (*args) last = *args++;                 /* behind the file's name; their last letters differ */
  say("B\n");
  if (last == 'l') serial();
  else if (last == 'r') timer();
  else disk();
  say("E\n");
  off();
}
