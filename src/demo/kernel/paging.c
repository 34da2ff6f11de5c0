/*
 * Four levels of tables. The upper half is the same in every address space: physical memory in large pages that are never executed, and
 * the kernel with text, constants and data protected from each other. Programs' memory is looked up in the tables and reached through
 * the direct map, so that a bad pointer is a refused system call and SMAP can stay on.  SDM 3A "4-Level Paging and 5-Level Paging"
 */
#include "paging.h"
#include "boot-info.h"
#include "cpu.h"
#include "pages.h"
#include "panic.h"
#include "text.h"

enum { PRESENT = 1, WRITE_THROUGH = 1 << 3, UNCACHED = 1 << 4, LARGE = 1 << 7, GLOBAL = 1 << 8 };
enum { ENTRIES = 512, LARGE_PAGE = 1 << 21 };
#define FRAME 0x000ffffffffff000

extern u8 kernel_start[], constants_start[], data_start[], kernel_end[];

static u64 kernel_space;

static u64 physical_of(const u8 *symbol) { return (u64)symbol - UPPER_HALF; }
u64 kernel_end_physical(void) { return physical_of(kernel_end); }

/* The entry for `address` in the table of `level` (1 is the lowest); makes the tables above it when `flags` say what they allow. */
static u64 *entry(u64 space, u64 address, u32 level, u64 flags) {
  u64 *table = direct(space);
  for (u32 at = 4;; at--) {
    u64 *e = &table[address >> (12 + 9 * (at - 1)) & (ENTRIES - 1)];
    if (at == level) return e;
    if (!(*e & PRESENT)) {
      u64 page = flags ? allocate_page() : 0;
      if (!page) return NULL;
      *e = page | flags;
    }
    table = direct(*e & FRAME);
  }
}

static void map(u64 address, u64 physical, u32 level, u64 flags) {
  u64 *e = entry(kernel_space, address, level, PRESENT | WRITABLE);
  if (!e) panic("no memory for page tables");
  *e = physical | flags | PRESENT;
}

static void map_image(const u8 *start, const u8 *end, u64 flags) {
  for (; start < end; start += PAGE) map((u64)start, physical_of(start), 1, flags);
}

volatile u32 *map_device(u64 physical) {
  map(physical + DIRECT_MAP, physical, 1, WRITABLE | NO_EXECUTE | WRITE_THROUGH | UNCACHED);
  return direct(physical);
}

/* protections that not every processor has: CPUID.7.0 bit, CR4 bit */
static const struct { u8 word, bit, cr4; const char *name; } optional[] = {
  {'b', 7, 20, "SMEP"}, {'b', 20, 21, "SMAP"}, {'c', 2, 11, "UMIP"},
};

static void protect(char *found, u32 size) {
  u64 cr4 = read_cr4() | 1 << 7;
  u32 length = format(found, size, "4 levels, NX, global pages");
  struct cpuid leaf = cpuid(0).a >= 7 ? cpuid(7) : (struct cpuid){0};
  for (u32 i = 0; i < COUNT(optional); i++) {
    if (!((optional[i].word == 'b' ? leaf.b : leaf.c) >> optional[i].bit & 1)) continue;
    cr4 |= 1ul << optional[i].cr4;
    length += format(found + length, size - length, ", %s", optional[i].name);
  }
  write_cr4(cr4);
}

void start_paging(char *found, u32 size) {
  if (!(cpuid(0x80000001).d >> 20 & 1)) panic("this processor knows no NX");
  write_msr(IA32_EFER, read_msr(IA32_EFER) | 1 << 11);
  kernel_space = allocate_page();
  for (u32 i = 0; i < boot_info.ranges; i++) {
    u64 at = boot_info.memory[i].start & -(u64)LARGE_PAGE;
    for (; at < boot_info.memory[i].end; at += LARGE_PAGE) map(at + DIRECT_MAP, at, 2, WRITABLE | NO_EXECUTE | LARGE | GLOBAL);
  }
  map_image(kernel_start, constants_start, GLOBAL);
  map_image(constants_start, data_start, NO_EXECUTE | GLOBAL);
  map_image(data_start, kernel_end, WRITABLE | NO_EXECUTE | GLOBAL);
  write_cr3(kernel_space);
  protect(found, size);
}

u64 create_space(void) {
  u64 space = allocate_page();
  if (!space) return 0;
  u64 *to = direct(space), *from = direct(kernel_space);
  for (u32 i = ENTRIES / 2; i < ENTRIES; i++) to[i] = from[i];
  return space;
}

static void destroy_table(u64 table, u32 level, u32 entries) {
  u64 *e = direct(table);
  for (u32 i = 0; i < entries; i++) {
    if (!(e[i] & PRESENT)) continue;
    if (level > 1) destroy_table(e[i] & FRAME, level - 1, ENTRIES);
    else free_page(e[i] & FRAME);
  }
  free_page(table);
}

void destroy_space(u64 space) { destroy_table(space, 4, ENTRIES / 2); }

void enter_space(u64 space) { write_cr3(space ? space : kernel_space); }

void *add_page(u64 space, u64 address, u64 flags) {
  u64 *e = entry(space, address, 1, PRESENT | WRITABLE | USER);
  u64 page = e && !(*e & PRESENT) ? allocate_page() : 0;
  if (!page) return NULL;
  *e = page | flags | USER | PRESENT;
  return direct(page);
}

/* one page's part of what a program named; NULL if it may not */
static void *user_memory(u64 space, u64 address, u64 needed) {
  if (address >= USER_END) return NULL;
  u64 *e = entry(space, address, 1, 0);
  needed |= PRESENT | USER;
  return e && (*e & needed) == needed ? (u8 *)direct(*e & FRAME) + address % PAGE : NULL;
}

static bool copy(u64 space, u64 user, u8 *kernel, u64 length, u64 needed) {
  while (length) {
    u64 part = PAGE - user % PAGE;
    if (part > length) part = length;
    u8 *at = user_memory(space, user, needed);
    if (!at) return false;
    if (needed & WRITABLE) __builtin_memcpy(at, kernel, part);
    else __builtin_memcpy(kernel, at, part);
    user += part, kernel += part, length -= part;
  }
  return true;
}

bool copy_in(u64 space, void *to, u64 from, u64 length) { return copy(space, from, to, length, 0); }
bool copy_out(u64 space, u64 to, const void *from, u64 length) { return copy(space, to, (u8 *)from, length, WRITABLE); }
