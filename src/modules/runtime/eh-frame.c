/* Registered .eh_frame sections, and what they say of an address. Linux Standard Base "Exception Frames"; DWARF 4 "Structure of Call Frame Information" */
#include "unwind.h"

#define BYTES4 0xffffffffu

static struct {
  const u8 *start;
  const u8 *end;
} sections[MAX_MODULES];
static u32 section_count;

extern HIDDEN const u8 runtime_eh_frame[];

u64 register_eh_frame(const void *at, u64 bytes) {
  if (at == NULL || bytes == 0) return SUCCESS;
  if (section_count == MAX_MODULES) return REGISTER_EH_FRAME_FAILURE;
  sections[section_count].start = at;
  sections[section_count++].end = (const u8 *)at + bytes;
  return SUCCESS;
}

u64 read_uleb(const u8 **at) {
  u64 value = 0;
  for (u32 shift = 0;; shift += 7) {
    u8 b = *(*at)++;
    if (shift < 64) value |= (u64)(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return value;
  }
}

s64 read_sleb(const u8 **at) {
  u64 value = 0;
  for (u32 shift = 0;;) {
    u8 b = *(*at)++;
    if (shift < 64) value |= (u64)(b & 0x7f) << shift;
    shift += 7;
    if ((b & 0x80) == 0) return (s64)((b & 0x40) != 0 && shift < 64 ? value | -1ul << shift : value);
  }
}

#define READ(type) (*at += sizeof(type), (u64)(s64) * (const type *)(*at - sizeof(type)))

u64 read_encoded(const u8 **at, u8 encoding) {
  if (encoding == PE_OMIT) return 0;
  u64 place = (u64)*at;
  u64 value;
  switch (encoding & 15) {
    case 0x0: case 0x4: case 0xc: value = READ(u64); break;
    case 0x1: value = read_uleb(at); break;
    case 0x2: value = READ(u16); break;
    case 0x3: value = READ(u32); break;
    case 0x9: value = (u64)read_sleb(at); break;
    case 0xa: value = READ(s16); break;
    case 0xb: value = READ(s32); break;
    default: module_abort("unwinder: pointer of an unknown form");
  }
  if (value == 0) return 0;
  if ((encoding & PE_RELATIVE) == PE_PC_RELATIVE) value += place;
  else if ((encoding & PE_RELATIVE) != PE_ABSOLUTE)
    module_abort("unwinder: pointer that is relative to text, data or function, or aligned");
  return (encoding & PE_INDIRECT) != 0 ? *(const u64 *)value : value;
}

u64 encoded_size(u8 encoding) {
  switch (encoding & 15) {
    case 0x0: case 0x4: case 0xc: return 8;
    case 0x2: case 0xa: return 2;
    case 0x3: case 0xb: return 4;
    default: module_abort("unwinder: table of pointers of unknown size");
  }
}

static void read_cie(const u8 *cie, const u8 *end, struct frame_description *f, u8 *lsda_encoding, int *augmented) {
  const u8 *at = cie + 4;
  u8 version = *at++;
  if (version != 1 && version != 3) module_abort("unwinder: CIE of an unknown version");
  const char *augmentation = (const char *)at;
  at += strlen(augmentation) + 1;
  f->code_alignment = read_uleb(&at);
  f->data_alignment = read_sleb(&at);
  f->return_register = version == 1 ? *at++ : read_uleb(&at);
  f->pointer_encoding = PE_ABSOLUTE;
  *lsda_encoding = PE_OMIT;
  f->personality = NULL;
  f->signal_frame = 0;
  *augmented = augmentation[0] == 'z';
  if (*augmented) {
    u64 bytes = read_uleb(&at);
    const u8 *behind = at + bytes;
    for (const char *a = augmentation + 1; *a != 0; a++)
      if (*a == 'R') f->pointer_encoding = *at++;
      else if (*a == 'L') *lsda_encoding = *at++;
      else if (*a == 'S') f->signal_frame = 1;
      else if (*a == 'P') {
        u8 encoding = *at++;
        f->personality = (void *)read_encoded(&at, encoding);
      } else break;
    at = behind;
  } else if (augmentation[0] != 0)
    module_abort("unwinder: CIE with an unknown augmentation");
  f->initial_program = at;
  f->initial_end = end;
}

/* `at` behind the length of an FDE */
static int read_fde(const u8 *at, const u8 *end, u64 pc, struct frame_description *f) {
  /* the distance is to the CIE's length */
  const u8 *cie = at - *(const u32 *)at + 4;
  u8 lsda_encoding;
  int augmented;
  read_cie(cie, cie + *(const u32 *)(cie - 4), f, &lsda_encoding, &augmented);
  at += 4;
  f->start = read_encoded(&at, f->pointer_encoding);
  f->end = f->start + read_encoded(&at, f->pointer_encoding & 15);
  if (pc < f->start || pc >= f->end) return 0;
  f->lsda = NULL;
  if (augmented) {
    u64 bytes = read_uleb(&at);
    const u8 *behind = at + bytes;
    f->lsda = (const u8 *)read_encoded(&at, lsda_encoding);
    at = behind;
  }
  f->program = at;
  f->end_of_program = end;
  return 1;
}

static int find_in(const u8 *at, const u8 *end, u64 pc, struct frame_description *f) {
  while (end == NULL || at + 4 <= end) {
    u32 bytes = *(const u32 *)at;
    if (bytes == 0) return 0;
    if (bytes == BYTES4) module_abort("unwinder: 64-bit call frame information");
    at += 4;
    if (*(const u32 *)at != 0 && read_fde(at, at + bytes, pc, f)) return 1;
    at += bytes;
  }
  return 0;
}

int find_frame(u64 pc, struct frame_description *f) {
  if (find_in(runtime_eh_frame, NULL, pc, f)) return 1;
  for (u32 i = 0; i < section_count; i++)
    if (find_in(sections[i].start, sections[i].end, pc, f)) return 1;
  return 0;
}
