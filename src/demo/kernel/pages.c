/*
 * Pages come from a list of those given back, and when it is empty from the next untouched one, so that memory nobody needs is never
 * touched. A free page holds the address of the next one.
 */
#include "pages.h"
#include "boot-info.h"
#include "paging.h"

struct page_counts page_counts;
static u64 given_back;
/* the untouched rest of memory begins at `next`, in range `range` */
static u64 next;
static u32 range;

static u64 first_of(const struct range *r) {
  u64 start = r->start < kernel_end_physical() ? kernel_end_physical() : r->start;
  return (start + PAGE - 1) & -(u64)PAGE;
}
static u64 end_of(const struct range *r) { return r->end & -(u64)PAGE; }

void start_pages(void) {
  for (u32 i = 0; i < boot_info.ranges; i++) {
    const struct range *r = &boot_info.memory[i];
    if (first_of(r) < end_of(r)) page_counts.total += (end_of(r) - first_of(r)) / PAGE;
  }
  page_counts.free = page_counts.total;
  next = first_of(&boot_info.memory[0]);
}

static u64 untouched(void) {
  while (range < boot_info.ranges && next >= end_of(&boot_info.memory[range]))
    if (++range < boot_info.ranges) next = first_of(&boot_info.memory[range]);
  if (range >= boot_info.ranges) return 0;
  u64 page = next;
  next += PAGE;
  return page;
}

u64 allocate_page(void) {
  u64 page = given_back;
  if (page) given_back = *(u64 *)direct(page);
  else page = untouched();
  if (!page) return 0;
  page_counts.free--;
  u64 *to = direct(page);
  u64 count = PAGE / 8;
  __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(0ul) : "memory");
  return page;
}

void free_page(u64 physical) {
  *(u64 *)direct(physical) = given_back;
  given_back = physical;
  page_counts.free++;
}
