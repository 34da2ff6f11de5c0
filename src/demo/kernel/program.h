/* Programs: static ELF files for x86-64. */
#pragma once
#include "archive.h"

struct program { u64 entry, end; };

/* Brings a program into an address space. 0, or an error of system-calls.h. */
i64 load_program(u64 space, const struct file *file, struct program *loaded);
