/* The files inside the kernel's image. */
#pragma once
#include "types.h"

struct file { const char *name; u32 name_length; const u8 *data; u64 length; };

/* The file at an index; false behind the last one. */
bool file_at(u32 index, struct file *found);
bool find_file(const char *name, struct file *found);
