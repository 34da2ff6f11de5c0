/* Physical memory, a page at a time. */
#pragma once
#include "types.h"

enum { PAGE = 4096 };

struct page_counts { u64 total, free; };
extern struct page_counts page_counts;

/* Gives the allocator what the boot loader called usable, except the kernel and what lies below it. */
void start_pages(void);
/* the physical address of a page of zeros; 0 when there is none */
u64 allocate_page(void);
void free_page(u64 physical);
