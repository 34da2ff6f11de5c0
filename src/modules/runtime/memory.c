/* The malloc family over the memory manager, which is TypeScript's: blocks of 64 bytes, multiples of a page in whole pages. */
#include "runtime.h"

#define PAGE 4096ul

void *malloc(u64 bytes) {
  return mm_alloc(bytes);
}

void free(void *p) {
  if (p != NULL) mm_free(p);
}

void *calloc(u64 count, u64 bytes) {
  u64 all;
  if (__builtin_mul_overflow(count, bytes, &all)) return NULL;
  void *p = mm_alloc(all);
  return p == NULL ? NULL : memset(p, 0, all);
}

/* QUIRK: as in Bareflank, what was never allocated cannot be reallocated: realloc(NULL, n) is NULL. */
void *realloc(void *old, u64 bytes) {
  u64 had = mm_size(old);
  if (had == 0) return NULL;
  void *p = mm_alloc(bytes);
  if (p == NULL) return NULL;
  memcpy(p, old, had < bytes ? had : bytes);
  mm_free(old);
  return p;
}

/* up to a page; a block of the heap is aligned to 64 */
void *aligned_alloc(u64 alignment, u64 bytes) {
  if (alignment > PAGE || (alignment & (alignment - 1)) != 0) return NULL;
  return mm_alloc(alignment <= 64 ? bytes : (bytes + PAGE - 1) & -PAGE);
}

int posix_memalign(void **p, u64 alignment, u64 bytes) {
  const int INVALID = 22, NO_MEMORY = 12;
  if (alignment < 8 || alignment > PAGE || (alignment & (alignment - 1)) != 0) return INVALID;
  *p = aligned_alloc(alignment, bytes);
  return *p == NULL ? NO_MEMORY : 0;
}
