/* What the boot loader tells: usable memory and the command line. */
#pragma once
#include "types.h"

struct range { u64 start, end; };

struct boot_info {
  struct range memory[16];
  u32 ranges;
  /* without the image's own name */
  char command[128];
};
extern struct boot_info boot_info;

void read_multiboot(u64 physical);
void read_pvh(u64 physical);
