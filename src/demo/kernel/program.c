/* System V ABI "Program Header": every PT_LOAD segment gets pages of its own. */
#include "program.h"
#include "pages.h"
#include "paging.h"
#include "system-calls.h"

struct elf {
  u8 magic[4], class, rest[11];
  u16 type, machine;
  u32 version;
  u64 entry, segments, sections;
  u32 flags;
  u16 size, segment_size, segment_count;
};
struct segment { u32 type, flags; u64 offset, address, physical, file_size, memory_size, align; };

enum { LOAD = 1, FLAG_EXECUTE = 1, FLAG_WRITE = 2 };

static bool load_segment(u64 space, const u8 *file, const struct segment *s) {
  u64 flags = (s->flags & FLAG_WRITE ? WRITABLE : 0) | (s->flags & FLAG_EXECUTE ? 0 : NO_EXECUTE);
  for (u64 page = s->address & -(u64)PAGE; page < s->address + s->memory_size; page += PAGE) {
    u8 *to = add_page(space, page, flags);
    if (!to) return false;
    u64 from = page < s->address ? s->address : page, end = s->address + s->file_size;
    if (end > page + PAGE) end = page + PAGE;
    if (from < end) __builtin_memcpy(to + from % PAGE, file + s->offset + (from - s->address), end - from);
  }
  return true;
}

i64 load_program(u64 space, const struct file *file, struct program *loaded) {
  const struct elf *elf = (const void *)file->data;
  if (file->length < sizeof *elf || elf->magic[0] != 0x7f || elf->magic[1] != 'E') return NOT_A_PROGRAM;
  const struct segment *s = (const void *)(file->data + elf->segments);
  *loaded = (struct program){elf->entry, 0};
  for (u32 i = 0; i < elf->segment_count; i++, s++) {
    if (s->type != LOAD) continue;
    if (!load_segment(space, file->data, s)) return NO_MEMORY;
    u64 end = (s->address + s->memory_size + PAGE - 1) & -(u64)PAGE;
    if (end > loaded->end) loaded->end = end;
  }
  return 0;
}
