/* Page tables: the kernel's own, and one address space for every process. */
#pragma once
#include "layout.h"
#include "types.h"

enum { WRITABLE = 1 << 1, USER = 1 << 2 };
#define NO_EXECUTE (1ul << 63)

/* a physical address as the kernel sees it */
static inline void *direct(u64 physical) { return (void *)(physical + DIRECT_MAP); }

u64 kernel_end_physical(void);
/* Replaces the first page tables by exact ones and turns protections on; `found` gets the names of the features in use. */
void start_paging(char *found, u32 size);
/* the registers of a device at a physical address, uncached */
volatile u32 *map_device(u64 physical);

/* An address space is the physical address of its top-level table; 0 when memory ran out. */
u64 create_space(void);
void destroy_space(u64 space);
void enter_space(u64 space);
/* Puts a page of zeros at `address` and returns it as the kernel sees it; NULL if there is a page already, or no memory. */
void *add_page(u64 space, u64 address, u64 flags);

/* Copies between the kernel and memory that a program named. False, if the program may not do that itself. */
bool copy_in(u64 space, void *to, u64 from, u64 length);
bool copy_out(u64 space, u64 to, const void *from, u64 length);
